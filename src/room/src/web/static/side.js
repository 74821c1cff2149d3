/**
 * The panels beside the stage, people and talk: one at a time, over the stage where there is no room beside it.
 *
 * @module
 */

import { element, label } from './page.js';
import { say } from './words.js';

/** @typedef {'people' | 'talk'} Panel */

/** @type {readonly Panel[]} */
const PANELS = ['people', 'talk'];

export class Side {
  /** @type {Panel | null} */
  #open = null;
  /** What waits for attention in each. */
  #counts = { people: 0, talk: 0 };

  constructor() {
    for (const panel of PANELS) {
      element(panel, HTMLElement).addEventListener('click', () => this.show(this.#open === panel ? null : panel));
      element(`${panel}-close`, HTMLElement).addEventListener('click', () => this.show(null));
      element(`${panel}-panel`, HTMLElement).addEventListener('keydown', (event) => {
        if (event.key === 'Escape') this.show(null);
      });
    }
    this.show(null);
  }

  /** @param {Panel | null} panel */
  show(panel) {
    const before = this.#open;
    this.#open = panel;
    for (const one of PANELS) {
      element(`${one}-panel`, HTMLElement).hidden = one !== panel;
      element(one, HTMLElement).ariaExpanded = String(one === panel);
    }
    element('call', HTMLElement).dataset['side'] = panel ?? '';
    if (panel === 'talk') this.#counts.talk = 0;
    this.render();
    // Whoever closes a panel is back at the button that opened it.
    if (panel) element(`${panel}-title`, HTMLElement).focus({ preventScroll: true });
    else if (before) element(before, HTMLElement).focus({ preventScroll: true });
  }

  /** A line that nobody has seen. */
  unread() {
    this.#counts.talk += 1;
    this.render();
  }

  /** @param {number} count People who wait at the door. */
  waiting(count) {
    this.#counts.people = count;
    this.render();
  }

  render() {
    for (const panel of PANELS) {
      const count = this.#counts[panel];
      const place = element(panel, HTMLElement);
      label(place, panel, say(panel));
      const badge = element(`${panel}-count`, HTMLElement);
      badge.hidden = count === 0;
      badge.textContent = String(count);
      place.ariaLabel = count === 0 ? say(panel) : say(`${panel}-with`, { count });
      label(element(`${panel}-close`, HTMLElement), 'close', say('close'));
    }
  }
}
