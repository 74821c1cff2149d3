/**
 * The room on the remote: its camera and microphone, which can be closed and asked for; what it plays; what it hides;
 * whom it invites.
 *
 * @module
 */

import { pressed } from './chair.js';
import { announce, button, label, labelled, make, write } from './page.js';
import { say } from './words.js';

/** @typedef {import('./remote-meeting.js').MeetingView} MeetingView */
/** @typedef {import('./wishes.js').PhoneWish} PhoneWish */

/** @typedef {'camera' | 'microphone'} Kind */

export class RoomControls {
  #captureTitle = make('h3');
  #captureText = make('p', 'hint');
  /** @type {Record<Kind, HTMLButtonElement>} */
  #captures;
  /** @type {Record<Kind, HTMLElement>} */
  #asking = { camera: make('p', 'hint'), microphone: make('p', 'hint') };
  #volumeLabel = make('label', 'volume');
  #volume = make('input');
  #hide;
  #hideText = make('p', 'hint');
  #invitation = make('h3');
  #linkTitle = make('p', 'hint');
  #link = make('p', 'address');
  #pinTitle = make('p', 'hint');
  #pin = make('p', 'pin');
  #copy;
  #invitationGroup;
  #roles = make('details', 'roles-told', make('summary'), make('ul'));
  /** @type {MeetingView | null} */
  #view = null;
  /** The person's finger is on the volume: what the room says of it waits. */
  #held = false;

  /**
   * @param {HTMLElement} parent
   * @param {(wish: PhoneWish) => Promise<boolean>} tell
   */
  constructor(parent, tell) {
    const capture = (/** @type {Kind} */ kind) =>
      button(() => void tell({ wish: this.#view?.[`${kind}-live`] ? 'close' : 'ask', capture: kind }), '', ...labelled());
    this.#captures = { camera: capture('camera'), microphone: capture('microphone') };
    this.#volume.type = 'range';
    this.#volume.id = 'volume';
    this.#volume.max = '100';
    this.#volume.step = '5';
    this.#volumeLabel.htmlFor = 'volume';
    this.#volumeLabel.append(make('span', 'words'), make('span', 'percent'));
    this.#volume.addEventListener('input', () => {
      this.#held = true;
      this.#percent(Number(this.#volume.value));
    });
    this.#volume.addEventListener('change', () => {
      void tell({ wish: 'volume', percent: Number(this.#volume.value) }).finally(() => {
        this.#held = false;
      });
    });
    this.#hide = button(() => void tell({ wish: 'hide', on: !this.#view?.hides }), 'switch', ...labelled(), make('span', 'state'));
    this.#hide.id = 'hide';
    this.#copy = button(() => void this.#toClipboard(), '');
    this.#invitationGroup = make('div', 'group', this.#invitation, this.#linkTitle, this.#link, this.#pinTitle, this.#pin, this.#copy);
    parent.append(
      make('div', 'group', this.#captureTitle, this.#captureText, make('div', 'pair', this.#captures.camera, this.#captures.microphone), this.#asking.camera, this.#asking.microphone),
      make('div', 'group', this.#volumeLabel, this.#volume),
      make('div', 'group', this.#hide, this.#hideText),
      this.#invitationGroup,
      this.#roles,
    );
  }

  /** @param {MeetingView} view */
  render(view) {
    this.#view = view;
    write(this.#captureTitle, say('remote-capture'));
    write(this.#captureText, say('remote-capture-text'));
    for (const kind of /** @type {const} */ (['camera', 'microphone'])) {
      const live = view[`${kind}-live`];
      const place = this.#captures[kind];
      place.dataset['live'] = String(live);
      label(place, live ? `${kind}-closed` : kind, say(`remote-${live ? 'close' : 'ask'}-${kind}`));
      place.ariaDisabled = String(!live && view.asks[kind]);
      this.#asking[kind].hidden = live || !view.asks[kind];
      write(this.#asking[kind], say(`remote-asks-${kind}`));
    }
    const words = this.#volumeLabel.children[0];
    if (words instanceof HTMLElement) write(words, say('remote-volume'));
    if (!this.#held) {
      this.#volume.value = String(view.volume);
      this.#percent(view.volume);
    }
    pressed(this.#hide, view.hides, 'background-hidden', say('remote-hide'));
    // Hiding can always be asked for; what the configuration hides is not uncovered from here.
    const fixed = view.hides && !view['may-show'];
    this.#hide.ariaDisabled = String(fixed);
    this.#hideText.hidden = !fixed;
    write(this.#hideText, say('remote-hide-fixed'));
    this.#invitationGroup.hidden = view.invitation === null;
    write(this.#invitation, say('remote-invitation'));
    write(this.#linkTitle, say('remote-invitation-link'));
    write(this.#link, view.invitation?.link ?? '');
    write(this.#pinTitle, say('remote-invitation-pin'));
    write(this.#pin, view.invitation?.pin ?? '');
    write(this.#copy, say('remote-copy'));
    this.#copy.hidden = !('clipboard' in navigator);
    const [summary, list] = this.#roles.children;
    if (summary instanceof HTMLElement) write(summary, say('remote-roles'));
    const lines = view.roles.map(({ role, may }) => {
      const acts = may.map((one) => say(`may-${one}`)).join(', ');
      const line = make('li');
      line.textContent = say(acts ? 'remote-role-may' : 'remote-role-may-not', { role: say(`role-${role}`), acts });
      return line;
    });
    if (list?.textContent !== lines.map((line) => line.textContent).join('')) list?.replaceChildren(...lines);
  }

  /** @param {number} percent */
  #percent(percent) {
    const place = this.#volumeLabel.querySelector('.percent');
    if (place instanceof HTMLElement) write(place, say('remote-percent', { percent }));
    this.#volume.ariaValueText = say('remote-percent', { percent });
  }

  async #toClipboard() {
    try {
      await navigator.clipboard.writeText(this.#view?.invitation?.link ?? '');
      announce(say('remote-copied'));
      write(this.#copy, say('remote-copied'));
    } catch {
      // The link stands there to be read.
    }
  }
}
