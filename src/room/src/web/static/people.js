/**
 * The list of who is in, with what may be done about each: on the guests' page and on the remote.
 *
 * @module
 */

import { confirmed } from './confirm.js';
import { named } from './lobby.js';
import { button, keep, label, labelled, make, write } from './page.js';
import { marks, showMarks } from './tiles.js';
import { say } from './words.js';

/** @typedef {import('./room.js').Capability} Capability */
/** @typedef {import('./room.js').Person} Person */
/** @typedef {import('./room.js').Role} Role */
/** @typedef {import('./wishes.js').ChairWish} ChairWish */
/** @typedef {Omit<Person, 'slot'>} Listed */
/** @typedef {(wish: ChairWish) => Promise<boolean>} Tell */

/** @type {readonly Role[]} */
export const ROLES = ['guest', 'presenter', 'moderator'];

export class People {
  #list = make('ul', 'people-list');
  /** @type {Map<number, Row>} */
  #rows = new Map();
  #tell;

  /**
   * @param {HTMLElement} parent
   * @param {Tell} tell
   */
  constructor(parent, tell) {
    this.#tell = tell;
    parent.append(this.#list);
  }

  /**
   * @param {readonly Listed[]} people
   * @param {number | null} speaker
   * @param {ReadonlySet<Capability>} may
   */
  render(people, speaker, may) {
    const create = (/** @type {Listed} */ { number }) => {
      const row = new Row(number, this.#tell, () => this.#close(number));
      this.#rows.set(number, row);
      return row.element;
    };
    keep(this.#list, people, ({ number }) => number, create, (_, person) => {
      this.#rows.get(person.number)?.render(person, speaker === person.number, may);
    });
    const here = new Set(people.map(({ number }) => number));
    for (const number of this.#rows.keys()) if (!here.has(number)) this.#rows.delete(number);
  }

  /** @param {number} but One at a time. */
  #close(but) {
    for (const [number, row] of this.#rows) if (number !== but) row.open(false);
  }
}

class Row {
  #name = make('span', 'name');
  #role = make('span', 'role');
  #marks = make('span', 'marks');
  #more;
  #mute;
  #stop;
  #remove;
  #roleLabel = make('label');
  #roles = make('select', 'roles');
  #acts;
  element;

  /**
   * @param {number} number
   * @param {Tell} tell
   * @param {() => void} opened
   */
  constructor(number, tell, opened) {
    this.#more = button(() => {
      this.open(this.#acts.hidden);
      if (!this.#acts.hidden) opened();
    }, 'more', ...labelled());
    this.#mute = button(() => void tell({ wish: 'mute', guest: number }), 'mute', ...labelled());
    this.#stop = button(() => void tell({ wish: 'stop-presenting' }), 'stop', ...labelled());
    this.#remove = button(() => void this.#ask(number, tell), 'remove', ...labelled());
    this.#roles.append(...ROLES.map((role) => new Option('', role)));
    this.#roles.addEventListener('change', () => {
      const role = ROLES.find((one) => one === this.#roles.value);
      if (role) void tell({ wish: 'role', guest: number, role });
    });
    this.#roleLabel.append(make('span', 'words'), this.#roles);
    this.#acts = make('div', 'acts', this.#mute, this.#stop, this.#roleLabel, this.#remove);
    this.#acts.hidden = true;
    this.element = make('li', '', make('div', 'who', this.#name, this.#role, this.#marks), this.#more, this.#acts);
    this.element.dataset['number'] = String(number);
  }

  /** @param {boolean} on */
  open(on) {
    this.#acts.hidden = !on;
    this.#more.ariaExpanded = String(on);
  }

  /**
   * @param {Listed} person
   * @param {boolean} speaks
   * @param {ReadonlySet<Capability>} may
   */
  render(person, speaks, may) {
    const { name, role, microphone, presenting } = person;
    write(this.#name, name);
    write(this.#role, say(`role-${role}`));
    showMarks(this.#marks, marks(person, speaks));
    const acts = may.has('mute') || may.has('remove') || may.has('assign');
    this.#more.hidden = !acts;
    if (!acts) this.open(false);
    this.#more.ariaExpanded = String(!this.#acts.hidden);
    label(this.#more, 'more', say('acts'));
    this.#more.ariaLabel = say('acts-name', { name });
    this.#mute.hidden = !may.has('mute');
    this.#mute.ariaDisabled = String(!microphone);
    label(this.#mute, 'microphone-closed', say(microphone ? 'mute' : 'mark-muted'));
    this.#mute.ariaLabel = say('mute-name', { name });
    this.#stop.hidden = !may.has('mute') || !presenting;
    label(this.#stop, 'screen', say('stop-presenting'));
    this.#remove.hidden = !may.has('remove');
    label(this.#remove, 'leave', say('remove'));
    this.#remove.ariaLabel = say('remove-name', { name });
    this.#roleLabel.hidden = !may.has('assign');
    const words = this.#roleLabel.firstElementChild;
    if (words instanceof HTMLElement) named(words, say('role'), say('role-name', { name }));
    this.#roles.ariaLabel = say('role-name', { name });
    for (const option of this.#roles.options) option.text = say(`role-${/** @type {Role} */ (option.value)}`);
    this.#roles.value = role;
  }

  /**
   * @param {number} number
   * @param {Tell} tell
   */
  async #ask(number, tell) {
    const values = { name: this.#name.textContent };
    const yes = await confirmed({ title: 'remove-title', text: 'remove-text', yes: 'remove', values });
    if (yes) await tell({ wish: 'remove', guest: number });
  }
}
