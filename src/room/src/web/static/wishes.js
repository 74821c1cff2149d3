/**
 * What a person wants done in the meeting: guests, and the phones that are paired. The room checks every wish by the
 * role of whoever has it, and what comes of it arrives as the room's state.
 *
 * @module
 */

import { post } from './room.js';

/** @typedef {import('./room.js').Role} Role */
/** @typedef {import('./room.js').Layout} Layout */

/**
 * @typedef {{ wish: 'admit' | 'deny' | 'mute' | 'remove', guest: number }
 *   | { wish: 'admit-all' | 'mute-all' | 'stop-presenting' | 'end' }
 *   | { wish: 'message', text: string }
 *   | { wish: 'lock', on: boolean }
 *   | { wish: 'role', guest: number, role: Role }
 *   | { wish: 'arrange', layout: Layout }} ChairWish What those who run the meeting want.
 */

/** @typedef {{ microphone: boolean, camera: boolean, hand: boolean, mutes: number }} OwnState */

/**
 * @typedef {ChairWish
 *   | ({ wish: 'state' } & OwnState)
 *   | { wish: 'present', on: boolean }} GuestWish
 */

/**
 * @typedef {ChairWish
 *   | { wish: 'ask' | 'close', capture: 'camera' | 'microphone' }
 *   | { wish: 'volume', percent: number }
 *   | { wish: 'hide', on: boolean }} PhoneWish
 */

/** @typedef {'not-allowed' | 'gone' | 'taken' | 'unusable' | 'unknown' | 'unanswered'} WishRefusal */

/** @type {Readonly<Record<number, WishRefusal>>} */
const REFUSALS = { 401: 'unknown', 403: 'not-allowed', 404: 'gone', 409: 'taken', 422: 'unusable' };

/**
 * `null`: done.
 *
 * @param {string} path
 * @param {GuestWish | PhoneWish} wish
 * @returns {Promise<WishRefusal | null>}
 */
async function tell(path, wish) {
  try {
    const response = await post(path, wish);
    return response.ok ? null : (REFUSALS[response.status] ?? 'unanswered');
  } catch {
    return 'unanswered';
  }
}

/**
 * Why not, as a text has it.
 *
 * @param {GuestWish | PhoneWish} wish
 * @param {WishRefusal} refusal
 * @returns {import('./texts.js').Key}
 */
export function reason({ wish }, refusal) {
  // What is taken is the one screen, or the last place.
  return refusal === 'taken' && wish.startsWith('admit') ? 'wish-full' : `wish-${refusal}`;
}

/** @param {GuestWish} wish */
export function guestWish(wish) {
  return tell('/api/wish', wish);
}

/** @param {PhoneWish} wish */
export function phoneWish(wish) {
  return tell('/api/remote/wish', wish);
}

/** Tells the room of one's own microphone, camera and hand: the newest state, one request at a time, until it is heard. */
export class Reporter {
  #send;
  /** @type {OwnState | null} */
  #wanted = null;
  /** What the room has heard. */
  #told = '';
  #busy = false;
  #wait;

  /**
   * @param {(state: OwnState) => Promise<WishRefusal | null>} send
   * @param {(milliseconds: number) => Promise<unknown>} wait
   */
  constructor(send, wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds))) {
    this.#send = send;
    this.#wait = wait;
  }

  /** @param {OwnState} state */
  async is(state) {
    this.#wanted = state;
    if (this.#busy) return;
    this.#busy = true;
    for (let wait = 500; this.#wanted && JSON.stringify(this.#wanted) !== this.#told; ) {
      const telling = this.#wanted;
      const refusal = await this.#send(telling);
      // A room that does not answer is asked again; one that refuses has its reasons, and says them in its state.
      if (refusal !== 'unanswered') {
        this.#told = JSON.stringify(telling);
        wait = 500;
      } else {
        await this.#wait(wait);
        wait = Math.min(wait * 2, 8000);
      }
    }
    this.#busy = false;
  }

  /** The room may have forgotten: what is, is told again. */
  again() {
    this.#told = '';
    if (this.#wanted) void this.is(this.#wanted);
  }

  /** It is over. */
  stop() {
    this.#wanted = null;
    this.#told = '';
  }
}
