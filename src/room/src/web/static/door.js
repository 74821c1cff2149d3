/**
 * The door: the notice, the name, the PIN, and *Join*.
 *
 * @module
 */

import { announce, element, write } from './page.js';
import { notice } from './room.js';
import { current, inEveryLanguage, say } from './words.js';

/** @typedef {import('./room.js').Refusal} Refusal */
/** @typedef {import('./words.js').Key} Key */

const TOKEN = 'token';

/** The one-meeting token of a scanned link. It leaves the address bar, and the history, at once. */
function token() {
  const fragment = location.hash.slice(1);
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
  if (/^[\w-]{8,128}$/.test(fragment)) sessionStorage.setItem(TOKEN, fragment);
  return sessionStorage.getItem(TOKEN);
}

export class Door {
  #form = element('knock', HTMLFormElement);
  #name = element('name', HTMLInputElement);
  #pin = element('pin', HTMLInputElement);
  #join = element('join', HTMLButtonElement);
  #refusal = element('refusal', HTMLElement);
  #token = token();
  /** @type {{ key: Key, until: number } | null} */
  #refused = null;
  #busy = false;
  #told = false;
  /** Name of the room, once it is known. */
  room = '';

  /** @param {(secret: { pin: string } | { token: string }, name: string) => void} join */
  constructor(join) {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#complete()) join(this.#secret(), this.#name.value.trim());
    });
    for (const input of [this.#name, this.#pin]) {
      input.addEventListener('input', () => input.removeAttribute('aria-invalid'));
    }
    inEveryLanguage(() => this.#render());
    inEveryLanguage(() => void this.#tell());
    // A second link opened in the same window.
    window.addEventListener('hashchange', () => {
      this.#token = token();
      this.#render();
    });
  }

  /** What was typed, for the next knock of the same person; nothing outlives the window. */
  get name() {
    return this.#name.value.trim();
  }

  busy() {
    this.#busy = true;
    this.#refused = null;
    this.#render();
  }

  /** The knock was taken: the PIN has done its work. */
  taken() {
    this.#busy = false;
    this.#pin.value = '';
    this.#render();
  }

  /** The token belongs to a meeting that is over. */
  forget() {
    sessionStorage.removeItem(TOKEN);
    this.#token = null;
    this.#pin.value = '';
    this.#render();
  }

  /** @param {Refusal} refusal */
  refused(refusal) {
    this.#busy = false;
    const wait = 'retry_after_ms' in refusal ? refusal.retry_after_ms : 0;
    if (refusal.refusal === 'wrong-secret' && this.#token) {
      this.forget();
      this.#refuse('refused-token', 0, this.#pin);
      return;
    }
    /** @type {Record<Refusal['refusal'], Key>} */
    const keys = {
      asleep: 'refused-asleep',
      'wrong-secret': 'refused-pin',
      'too-early': 'refused-early',
      name: 'refused-name',
      full: 'refused-full',
      gone: 'refused-gone',
      locked: 'refused-locked',
      unanswered: 'refused-unanswered',
    };
    const field = { 'wrong-secret': this.#pin, name: this.#name }[/** @type {string} */ (refusal.refusal)] ?? null;
    if (field === this.#pin) this.#pin.select();
    this.#refuse(keys[refusal.refusal], wait, field);
  }

  #complete() {
    if (this.#busy || (this.#refused !== null && this.#refused.until > Date.now())) return false;
    if (!this.#told) {
      this.#refuse('notice-missing', 0, null);
      void this.#tell();
    } else if (this.#name.value.trim() === '') {
      this.#refuse('name-empty', 0, this.#name);
    } else if (!this.#token && this.#pin.value.trim() === '') {
      this.#refuse('pin-empty', 0, this.#pin);
    } else {
      return true;
    }
    return false;
  }

  #secret() {
    return this.#token ? { token: this.#token } : { pin: this.#pin.value.replace(/\s/g, '') };
  }

  /**
   * @param {Key} key
   * @param {number} wait
   * @param {HTMLInputElement | null} field
   */
  #refuse(key, wait, field) {
    const refused = { key, until: Date.now() + wait };
    this.#refused = refused;
    for (const input of [this.#name, this.#pin]) {
      input.toggleAttribute('aria-invalid', false);
      if (input === field) input.setAttribute('aria-invalid', 'true');
    }
    this.#render();
    (field ?? this.#refusal).focus();
    if (wait > 0) {
      setTimeout(() => {
        if (this.#refused !== refused) return;
        this.#refused = null;
        this.#render();
        announce(say('try-again'));
      }, wait);
    }
  }

  #render() {
    element('pin-field', HTMLElement).hidden = this.#token !== null;
    element('token-hint', HTMLElement).hidden = this.#token === null;
    const refused = this.#refused;
    const seconds = refused ? Math.max(1, Math.ceil((refused.until - Date.now()) / 1000)) : 0;
    this.#refusal.hidden = refused === null;
    write(this.#refusal, refused ? say(refused.key, { seconds }) : '');
    const waiting = refused !== null && refused.until > Date.now();
    // Stays focusable, so that those who do not see it find out why nothing happens.
    this.#join.setAttribute('aria-disabled', String(this.#busy || waiting));
    write(this.#join, say(this.#busy ? 'joining' : 'join'));
    write(element('door-title', HTMLElement), this.room || say('room-unknown'));
  }

  /** Fetches the notice, in the language of the page. */
  async #tell() {
    const language = current();
    try {
      const { room, sections } = await notice(language);
      if (language !== current()) return;
      this.room = room;
      const [short, ...others] = sections;
      element('notice-short', HTMLElement).replaceChildren(...paragraphs(short?.text ?? ''));
      element('notice-text', HTMLElement).replaceChildren(
        ...others.flatMap(({ title, text }) => {
          const heading = document.createElement('h2');
          heading.textContent = title;
          return [heading, ...paragraphs(text)];
        }),
      );
      this.#told = true;
      document.title = room;
      write(element('room-name', HTMLElement), room);
      this.#render();
      document.dispatchEvent(new Event('told'));
    } catch {
      // Without a notice nobody enters (P7). The room may be starting.
      setTimeout(() => void this.#tell(), 2000);
    }
  }
}

/** @param {string} text */
function paragraphs(text) {
  return text.split('\n').map((line) => {
    const paragraph = document.createElement('p');
    paragraph.textContent = line;
    return paragraph;
  });
}
