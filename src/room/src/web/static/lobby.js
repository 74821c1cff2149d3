/**
 * Who waits at the door, for those who may let them in: on the guests' page and on the remote.
 *
 * @module
 */

import { button, keep, make, write } from './page.js';
import { say } from './words.js';

/** @typedef {import('./room.js').Capability} Capability */
/** @typedef {import('./room.js').Waiting} Waiting */
/** @typedef {import('./wishes.js').ChairWish} ChairWish */

/** As long as the room takes it. */
const LONGEST = 200;

export class Lobby {
  #title = make('h3');
  #nobody = make('p', 'hint');
  #list = make('ul', 'waiting-list');
  #all;
  #label = make('label');
  #field = make('input');
  #send = make('button');
  #taken;
  #form;
  #said = make('p', 'hint');
  #tell;
  /** @type {string | null | undefined} */
  #message;

  /**
   * @param {HTMLElement} parent
   * @param {(wish: ChairWish) => Promise<boolean>} tell
   */
  constructor(parent, tell) {
    this.#tell = tell;
    this.#all = button(() => void tell({ wish: 'admit-all' }), 'admit-all');
    this.#taken = button(() => void this.#say(''), 'take-back');
    this.#field.id = `${parent.id}-message`;
    this.#field.maxLength = LONGEST;
    this.#field.autocomplete = 'off';
    this.#label.htmlFor = this.#field.id;
    const line = make('div', 'line', this.#field, this.#send);
    this.#form = make('form', 'message-form', this.#label, line, this.#said, this.#taken);
    this.#form.noValidate = true;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#field.value.trim() === '') this.#field.focus();
      else void this.#say(this.#field.value.trim());
    });
    parent.classList.add('lobby');
    parent.append(this.#title, this.#nobody, this.#list, this.#all, this.#form);
  }

  /**
   * @param {readonly Waiting[]} waiting
   * @param {ReadonlySet<Capability>} may
   * @param {string | null | undefined} message What the waiting read now; `undefined`: not known here.
   */
  render(waiting, may, message) {
    if (message !== undefined) this.#message = message;
    write(this.#title, say('waiting-count', { count: waiting.length }));
    this.#nobody.hidden = waiting.length > 0;
    write(this.#nobody, say('waiting-nobody'));
    const row = (/** @type {Waiting} */ { number }) => {
      const name = make('span', 'name');
      const admit = button(() => void this.#tell({ wish: 'admit', guest: number }), 'primary admit');
      const deny = button(() => void this.#tell({ wish: 'deny', guest: number }), 'deny');
      return make('li', '', name, make('span', 'acts', admit, deny));
    };
    keep(this.#list, waiting, ({ number }) => number, row, (item, { name }) => {
      const [title, admit, deny] = ['.name', '.admit', '.deny'].map((one) => item.querySelector(one));
      if (title instanceof HTMLElement) write(title, name);
      if (admit instanceof HTMLElement) named(admit, say('admit'), say('admit-name', { name }));
      if (deny instanceof HTMLElement) named(deny, say('deny'), say('deny-name', { name }));
    });
    this.#all.hidden = waiting.length < 2;
    write(this.#all, say('admit-all', { count: waiting.length }));
    this.#form.hidden = !may.has('message');
    write(this.#label, say('message-label'));
    write(this.#send, say('message-send'));
    const said = this.#message ?? '';
    this.#said.hidden = said === '';
    write(this.#said, said ? say('message-said', { message: said }) : '');
    this.#taken.hidden = said === '';
    write(this.#taken, say('message-take-back'));
  }

  /** @param {string} text */
  async #say(text) {
    if (!(await this.#tell({ wish: 'message', text }))) return;
    this.#message = text || null;
    this.#field.value = '';
    this.#said.hidden = text === '';
    write(this.#said, text ? say('message-said', { message: text }) : '');
    this.#taken.hidden = text === '';
    if (text === '') this.#field.focus();
  }
}

/**
 * A button whose word is clear beside the name of a person, and whose name is clear without it.
 *
 * @param {HTMLElement} place
 * @param {string} words
 * @param {string} name
 */
export function named(place, words, name) {
  write(place, words);
  place.ariaLabel = name;
}
