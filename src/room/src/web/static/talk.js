/**
 * What is written: whole lines (chat), and letters as they are typed (real-time text, for those who do not speak or
 * hear). One list, one field; a switch says which of the two one writes. Whoever listens to the page gets whole lines.
 *
 * @module
 */

import { announce, element, make, write } from './page.js';
import { INTERVAL, Reader, Typist } from './t140.js';
import { pressed } from './chair.js';
import { say } from './words.js';

/** @typedef {import('./link.js').Link} Link */
/** @typedef {import('./room.js').RoomView} RoomView */

/** So many lines stay on the page. */
const LINES = 300;
/** As many characters as the room takes in a line. */
const LONGEST = 1000;
/** Who stops typing for this long, in milliseconds, has said something, with or without a new line. */
const PAUSE = 4000;
/** A line comes back from the room as soon as it is there; one that does not in this time was not taken. */
const ECHO = 4000;

/**
 * @typedef {object} Speaker Somebody who types letter by letter.
 * @property {Reader} reader
 * @property {HTMLElement} line What stands there so far.
 * @property {ReturnType<typeof setTimeout> | undefined} pause
 * @property {string} heard What was read out of this line already.
 * @property {string} name
 */

export class Talk {
  #panel = element('talk-panel', HTMLElement);
  #log = element('talk-log', HTMLElement);
  #typing = element('talk-typing', HTMLElement);
  #form = element('talk-form', HTMLFormElement);
  #field = element('talk-field', HTMLInputElement);
  #letters = element('talk-letters', HTMLButtonElement);
  #typist = new Typist();
  /** @type {Map<number, Speaker>} By number of the person. */
  #speakers = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #flush;
  #link;
  #unread;
  /** @type {RoomView | null} */
  #view = null;
  /** One writes letter by letter. */
  #live = false;
  /** Lines that have not come back yet. @type {ReturnType<typeof setTimeout>[]} */
  #echoes = [];

  /**
   * @param {Link} link
   * @param {() => void} unread A line has come while the panel was closed.
   */
  constructor(link, unread) {
    this.#link = link;
    this.#unread = unread;
    this.#field.maxLength = LONGEST;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#line();
    });
    this.#field.addEventListener('input', () => {
      if (!this.#live) return;
      this.#typist.edited(this.#field.value);
      this.#send();
    });
    this.#letters.addEventListener('click', () => {
      this.#live = !this.#live;
      if (this.#live) this.#typist.edited(this.#field.value);
      else this.#typist.dropped();
      this.#send();
      this.render(this.#view);
      this.#field.focus();
    });
  }

  /** @param {RoomView | null} view */
  render(view) {
    this.#view = view;
    const may = new Set(view?.you.may);
    if (!may.has('text')) this.#live = false;
    const writes = may.has('chat') || may.has('text');
    this.#form.hidden = !writes;
    this.#letters.hidden = !may.has('text');
    pressed(this.#letters, this.#live, 'letters', say('talk-letters'));
    write(element('talk-hint', HTMLElement), say(!writes ? 'talk-may-not' : this.#live ? 'talk-hint-letters' : 'talk-hint'));
    write(element('talk-send', HTMLElement), say(this.#live ? 'talk-line-end' : 'talk-send'));
    element('talk-empty', HTMLElement).hidden = this.#log.childElementCount > 0;
    const here = new Map((view?.people ?? []).map((person) => [person.number, person]));
    for (const [number, speaker] of this.#speakers) {
      if (here.has(number)) continue;
      this.#complete(speaker, speaker.reader.line);
      clearTimeout(speaker.pause);
      speaker.line.remove();
      this.#speakers.delete(number);
    }
  }

  /**
   * Something has come on a channel.
   *
   * @param {string} channel
   * @param {string} data
   */
  heard(channel, data) {
    const lines = this.#link.offered;
    if (!lines) return;
    if (channel === lines.chat) {
      this.#chat(data);
      return;
    }
    const slot = (lines.slots ?? []).findIndex(({ text }) => text === channel);
    const person = slot < 0 ? undefined : this.#view?.people.find((one) => one.slot === slot);
    if (person) this.#letter(person.number, person.name, data);
  }

  /** Another connection: letters that were on their way are lost. */
  replaced() {
    for (const speaker of this.#speakers.values()) {
      speaker.reader.lost();
      this.#show(speaker);
    }
    // What was begun is begun anew, so that the others get the whole line.
    this.#typist = new Typist();
    if (this.#live) this.#typist.edited(this.#field.value);
    this.#send();
  }

  /** It is over: nothing of it stays. */
  forget() {
    clearTimeout(this.#flush);
    for (const echo of this.#echoes.splice(0)) clearTimeout(echo);
    for (const { pause } of this.#speakers.values()) clearTimeout(pause);
    this.#speakers.clear();
    this.#typist = new Typist();
    this.#flush = undefined;
    this.#field.value = '';
    this.#log.replaceChildren();
    this.#typing.replaceChildren();
    this.#live = false;
  }

  /** The line in the field is complete. */
  #line() {
    const text = this.#field.value.trim();
    if (text === '') return;
    const may = new Set(this.#view?.you.may);
    if (this.#live) {
      this.#typist.edited(this.#field.value);
      this.#typist.finished();
      this.#send();
      this.#add(say('talk-you'), text, true);
    } else if (!may.has('chat')) {
      return this.#trouble(say('talk-letters-only'));
    } else if (!this.#link.say('chat', text)) {
      return this.#trouble(say('talk-stuck'));
    } else {
      this.#echoes.push(setTimeout(() => this.#unheard(text), ECHO));
    }
    this.#trouble('');
    this.#field.value = '';
  }

  /** @param {string} text What the room has not taken: too fast, or the connection broke under it. */
  #unheard(text) {
    this.#echoes.shift();
    this.#trouble(say('talk-stuck'));
    if (this.#field.value === '') this.#field.value = text;
  }

  /** Sends what was typed, a little later: letters that are typed in one go travel together. */
  #send() {
    if (this.#flush !== undefined) return;
    this.#flush = setTimeout(() => {
      this.#flush = undefined;
      if (this.#link.speaks('text')) {
        const piece = this.#typist.take(performance.now());
        if (piece !== '') this.#link.say('text', piece);
      }
      if (this.#typist.waits) this.#send();
    }, INTERVAL);
  }

  /** @param {string} data */
  #chat(data) {
    /** @type {unknown} */
    let line;
    try {
      line = JSON.parse(data);
    } catch {
      return;
    }
    const { name, text, own } = /** @type {Record<string, unknown>} */ (line ?? {});
    if (typeof name !== 'string' || typeof text !== 'string') return;
    if (own === true) clearTimeout(this.#echoes.shift());
    this.#add(own === true ? say('talk-you') : name, text, own === true);
  }

  /**
   * @param {number} number
   * @param {string} name
   * @param {string} data
   */
  #letter(number, name, data) {
    let speaker = this.#speakers.get(number);
    if (!speaker) {
      const line = make('li', 'letters', make('span', 'name'), make('span', 'text'));
      // The letters are for the eye; lines are read out when they are complete.
      line.ariaHidden = 'true';
      speaker = { reader: new Reader(), line, pause: undefined, heard: '', name };
      this.#speakers.set(number, speaker);
      this.#typing.append(line);
    }
    for (const line of speaker.reader.read(data)) this.#complete(speaker, line);
    this.#show(speaker);
  }

  /**
   * @param {Speaker} speaker
   * @param {string} line
   */
  #complete(speaker, line) {
    if (line.trim() !== '') this.#add(speaker.name, line, false);
    speaker.heard = '';
  }

  /** @param {Speaker} speaker */
  #show(speaker) {
    const { reader, line, name } = speaker;
    const [who, text] = [line.children[0], line.children[1]];
    const words = reader.line;
    if (who instanceof HTMLElement) write(who, name);
    if (text instanceof HTMLElement) write(text, words);
    line.hidden = words === '';
    if (!line.hidden) this.#down();
    clearTimeout(speaker.pause);
    speaker.pause = setTimeout(() => {
      if (words.trim() === '' || speaker.heard === words) return;
      speaker.heard = words;
      announce(say('talk-heard', { name, text: words }));
      if (this.#panel.hidden) this.#unread();
    }, PAUSE);
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {boolean} own
   */
  #add(name, text, own) {
    const who = make('span', 'name');
    const words = make('span', 'text');
    who.textContent = name;
    words.textContent = text;
    words.dir = 'auto';
    const line = make('li', own ? 'own-line' : '', who, words);
    this.#log.append(line);
    while (this.#log.childElementCount > LINES) this.#log.firstElementChild?.remove();
    element('talk-empty', HTMLElement).hidden = true;
    this.#down();
    // An open list is read out by itself.
    if (own || !this.#panel.hidden) return;
    this.#unread();
    announce(say('talk-heard', { name, text }));
  }

  /** The newest is seen, unless somebody reads further up. */
  #down() {
    const place = element('talk-lines', HTMLElement);
    if (place.scrollHeight - place.scrollTop - place.clientHeight < 160) place.scrollTop = place.scrollHeight;
  }

  /** @param {string} words */
  #trouble(words) {
    write(element('talk-trouble', HTMLElement), words);
  }
}
