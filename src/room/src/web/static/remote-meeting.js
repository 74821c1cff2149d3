/**
 * The meeting on the remote: who is at the door, who is in, and the room itself, each a view that is chosen at the thumb.
 * Everything that is shown comes from the room: two phones never disagree.
 *
 * @module
 */

import { Chair } from './chair.js';
import { Lobby } from './lobby.js';
import { announce, button, element, keep, make, toast, write } from './page.js';
import { People } from './people.js';
import { RoomControls } from './remote-room.js';
import { say } from './words.js';
import { phoneWish, reason } from './wishes.js';

/** @typedef {import('./room.js').Capability} Capability */
/** @typedef {import('./room.js').Layout} Layout */
/** @typedef {import('./room.js').Role} Role */
/** @typedef {import('./room.js').Waiting} Waiting */
/** @typedef {import('./people.js').Listed} Listed */
/** @typedef {import('./wishes.js').PhoneWish} PhoneWish */

/**
 * @typedef {object} MeetingView
 * @property {boolean} locked
 * @property {Layout} layout
 * @property {number | null} screen
 * @property {number | null} speaker
 * @property {Listed[]} people
 * @property {Waiting[]} waiting
 * @property {string | null} message What those who wait read.
 * @property {number} volume 0 to 100.
 * @property {boolean} hides The background of the room is hidden.
 * @property {boolean} may-show This can be taken back.
 * @property {boolean} camera-live
 * @property {boolean} microphone-live
 * @property {{ camera: boolean, microphone: boolean }} asks The room is being asked.
 * @property {boolean} full
 * @property {number} guests
 * @property {number} most
 * @property {{ link: string, pin: string } | null} invitation How others enter.
 * @property {{ role: Role, may: Capability[] }[]} roles
 */

/** @typedef {'link' | 'door' | 'people' | 'room'} View */

/** A phone is the chair's: it may all. @type {ReadonlySet<Capability>} */
const ALL = new Set(['admit', 'message', 'lock', 'mute', 'remove', 'arrange', 'assign', 'end']);

export class RemoteMeeting {
  #view = element('meeting', HTMLElement);
  #tabs = element('views', HTMLElement);
  /** @type {View} */
  #chosen = 'door';
  /** @type {MeetingView | null} */
  #last = null;
  #free = false;
  #changed;
  /** @param {PhoneWish} wish */
  #tell = async (wish) => {
    const refusal = await phoneWish(wish);
    if (refusal) toast(say(reason(wish, refusal)));
    return refusal === null;
  };
  #lobby = new Lobby(element('view-door', HTMLElement), this.#tell);
  #people = new People(element('remote-people', HTMLElement), this.#tell);
  #chair = new Chair(element('remote-chair', HTMLElement), this.#tell);
  #room = new RoomControls(element('view-room', HTMLElement), this.#tell);

  /** @param {() => void} changed Another view was chosen. */
  constructor(changed) {
    this.#changed = changed;
  }

  /** The form for a link is what is looked at. */
  get link() {
    return this.#last === null || (this.#free && this.#chosen === 'link');
  }

  /**
   * @param {MeetingView | null} meeting
   * @param {boolean} free Nobody is here yet, and a link can be given.
   */
  render(meeting, free) {
    const before = this.#last;
    if (free !== this.#free || !before) this.#chosen = free ? 'link' : meeting?.waiting.length === 0 ? 'people' : 'door';
    this.#last = meeting;
    this.#free = free;
    this.#view.hidden = meeting === null || this.link;
    this.#tabs.hidden = meeting === null;
    if (!meeting) return;
    if (before) this.#news(before, meeting);
    /** @type {readonly View[]} */
    const views = free ? ['link', 'door', 'room'] : ['door', 'people', 'room'];
    const create = (/** @type {View} */ view) =>
      button(
        () => {
          this.#chosen = view;
          this.#changed();
          // What was chosen is read from its beginning.
          window.scrollTo({ top: 0 });
        },
        '',
        make('span', 'words'),
        make('span', 'badge'),
      );
    keep(this.#tabs, views, (view) => view, create, (tab, view) => {
      tab.ariaCurrent = String(view === this.#chosen);
      const [words, badge] = [tab.children[0], tab.children[1]];
      if (words instanceof HTMLElement) write(words, say(`remote-tab-${view}`));
      const count = view === 'door' ? meeting.waiting.length : 0;
      if (badge instanceof HTMLElement) {
        badge.hidden = count === 0;
        write(badge, String(count));
      }
    });
    for (const view of /** @type {const} */ (['door', 'people', 'room'])) {
      element(`view-${view}`, HTMLElement).hidden = view !== this.#chosen;
    }
    this.#lobby.render(meeting.waiting, ALL, meeting.message);
    const nobody = element('nobody', HTMLElement);
    nobody.hidden = meeting.people.length > 0;
    write(nobody, say('remote-people-none'));
    this.#people.render(meeting.people, meeting.speaker, ALL);
    this.#chair.render(meeting, ALL);
    this.#room.render(meeting);
  }

  /**
   * In one line for the top of the page.
   *
   * @param {MeetingView} meeting
   */
  static title({ guests }) {
    return guests === 0 ? say('remote-meeting-empty') : say('remote-meeting', { guests });
  }

  /** @param {MeetingView} meeting */
  static sentence({ waiting, full, most, locked }) {
    return [
      waiting.length > 0 ? say('remote-waiting', { count: waiting.length }) + '.' : '',
      locked ? say('remote-locked') + '.' : '',
      full ? say('remote-meeting-full', { most }) : say('remote-meeting-most', { most }),
    ]
      .filter(Boolean)
      .join(' ');
  }

  /**
   * @param {MeetingView} before
   * @param {MeetingView} after
   */
  #news(before, after) {
    const waited = new Set(before.waiting.map(({ number }) => number));
    for (const { number, name } of after.waiting) if (!waited.has(number)) announce(say('news-waits', { name }));
    const hands = new Set(before.people.filter(({ hand }) => hand).map(({ number }) => number));
    for (const { number, name, hand } of after.people) if (hand && !hands.has(number)) announce(say('news-hand', { name }));
  }
}
