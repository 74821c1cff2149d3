/**
 * What is done about the meeting as a whole: lock, layout, silence, end. On the guests' page and on the remote.
 *
 * @module
 */

import { confirmed } from './confirm.js';
import { button, label, labelled, make, write } from './page.js';
import { say } from './words.js';

/** @typedef {import('./room.js').Capability} Capability */
/** @typedef {import('./room.js').Layout} Layout */
/** @typedef {import('./people.js').Tell} Tell */
/** @typedef {{ locked: boolean, layout: Layout, guests: number }} Meeting */

export class Chair {
  #title = make('h3');
  #lock;
  #large;
  #mute;
  #end;
  #parent;
  /** @type {Meeting} */
  #meeting = { locked: false, layout: 'grid', guests: 0 };

  /**
   * @param {HTMLElement} parent
   * @param {Tell} tell
   */
  constructor(parent, tell) {
    this.#parent = parent;
    this.#lock = button(() => void tell({ wish: 'lock', on: !this.#meeting.locked }), 'lock switch', ...labelled(), make('span', 'state'));
    this.#large = button(
      () => void tell({ wish: 'arrange', layout: this.#meeting.layout === 'grid' ? 'speaker' : 'grid' }),
      'arrange switch',
      ...labelled(),
      make('span', 'state'),
    );
    this.#mute = button(() => void tell({ wish: 'mute-all' }), 'mute-all', ...labelled());
    this.#end = button(() => void this.#ask(tell), 'end', ...labelled());
    parent.classList.add('chair');
    parent.append(this.#title, this.#lock, this.#large, this.#mute, this.#end);
  }

  /**
   * @param {Meeting} meeting
   * @param {ReadonlySet<Capability>} may
   */
  render(meeting, may) {
    this.#meeting = meeting;
    this.#parent.hidden = !['lock', 'arrange', 'mute', 'end'].some((one) => may.has(/** @type {Capability} */ (one)));
    write(this.#title, say('meeting'));
    this.#lock.hidden = !may.has('lock');
    pressed(this.#lock, meeting.locked, 'door-locked', say('lock'));
    this.#large.hidden = !may.has('arrange');
    pressed(this.#large, meeting.layout === 'speaker', 'layout', say('layout-speaker'));
    this.#mute.hidden = !may.has('mute') || meeting.guests === 0;
    label(this.#mute, 'microphone-closed', say('mute-all'));
    this.#end.hidden = !may.has('end');
    label(this.#end, 'leave', say('end'));
  }

  /** @param {Tell} tell */
  async #ask(tell) {
    if (await confirmed({ title: 'end-title', text: 'end-text', yes: 'end' })) await tell({ wish: 'end' });
  }
}

/**
 * A button that stays pressed. Its name stays the same, and a word for its state is there for those who see it.
 *
 * @param {HTMLElement} place
 * @param {boolean} on
 * @param {string} icon
 * @param {string} words
 */
export function pressed(place, on, icon, words) {
  place.ariaPressed = String(on);
  label(place, icon, words);
  const state = place.querySelector('.state');
  if (!(state instanceof HTMLElement)) return;
  state.ariaHidden = 'true';
  write(state, say(on ? 'on' : 'off'));
}
