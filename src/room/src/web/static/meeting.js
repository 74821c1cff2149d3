/**
 * The meeting as a guest sees it and takes part in it, beyond the link: who is there, what one may, hand, screen, talk,
 * and for those who run it what they can do about it.
 *
 * @module
 */

import { Chair } from './chair.js';
import { Lobby } from './lobby.js';
import { announce, element, label, toast, write } from './page.js';
import { People } from './people.js';
import { news } from './roster.js';
import { Share } from './share.js';
import { Side } from './side.js';
import { Talk } from './talk.js';
import { Tiles } from './tiles.js';
import { Reporter, guestWish, reason } from './wishes.js';
import { say } from './words.js';

/** @typedef {import('./capture.js').Capture} Capture */
/** @typedef {import('./link.js').Link} Link */
/** @typedef {import('./room.js').RoomView} RoomView */
/** @typedef {import('./roster.js').News} News */
/** @typedef {import('./wishes.js').GuestWish} GuestWish */

export class Meeting {
  #link;
  #capture;
  #tiles;
  #side = new Side();
  #talk;
  #share = new Share((on) => guestWish({ wish: 'present', on }));
  #reporter = new Reporter((state) => guestWish({ wish: 'state', ...state }));
  /** @param {GuestWish} wish */
  #tell = async (wish) => {
    const refusal = await guestWish(wish);
    if (refusal) toast(say(reason(wish, refusal)));
    return refusal === null;
  };
  #people = new People(element('people-list', HTMLElement), this.#tell);
  #lobby = new Lobby(element('people-waiting', HTMLElement), this.#tell);
  #chair = new Chair(element('people-chair', HTMLElement), this.#tell);
  #hand = false;
  /** @type {RoomView | null} */
  #view = null;
  /** @type {Set<string>} */
  #paused = new Set();

  /**
   * @param {Link} link
   * @param {Capture} capture
   */
  constructor(link, capture) {
    this.#link = link;
    this.#capture = capture;
    this.#tiles = new Tiles(link);
    this.#talk = new Talk(link, () => this.#side.unread());
    element('hand', HTMLElement).addEventListener('click', () => {
      this.#hand = !this.#hand;
      this.#changed();
    });
    element('share', HTMLElement).addEventListener('click', () => void this.#shareOrNot());
    this.#share.addEventListener('change', () => {
      void link.send({ screen: this.#share.track });
      this.render();
    });
    // A camera and a microphone that open or close are told to the room.
    capture.addEventListener('change', () => this.#changed());
  }

  /** One may speak, as far as the room is concerned. */
  get maySpeak() {
    return this.#view === null || this.#view.you.may.includes('speak');
  }

  /** One may be seen. */
  get mayShow() {
    return this.#view === null || this.#view.you.may.includes('show');
  }

  /** @param {RoomView} view */
  is(view) {
    const before = this.#view;
    this.#view = view;
    for (const one of news(before, view)) {
      const words = newsText(one);
      // What asks for an act, or is about oneself, is seen by everybody; the rest is seen anyway.
      const loud = one.kind === 'waits' || one.kind === 'role' || one.kind === 'may-speak' || one.kind === 'may-not-speak';
      if (loud) toast(words);
      else announce(words);
    }
    // After a reload the room still thinks that one shares.
    if (view.you.presenting && !this.#share.track && !this.#share.asking) void guestWish({ wish: 'present', on: false });
    // Before anything is reported: with the new count an open microphone would be an unmute.
    if (before && view.you.mutes > before.you.mutes) this.muted();
    void this.#link.seenBy(view.people.length);
    this.#changed();
    this.render();
  }

  /** A moderator has closed this guest's microphone. */
  muted() {
    // It is off already, or this was said before.
    if (!this.#capture.wanted.microphone) return;
    void this.#capture.switchMicrophone(false);
    toast(say(this.maySpeak ? 'muted-by-moderator' : 'speak-not'));
  }

  /** The room has ended what one shares. */
  presentEnded() {
    if (this.#share.stop()) toast(say('share-ended'));
  }

  /**
   * A picture is held back, or goes on.
   *
   * @param {string} mid
   * @param {boolean} paused
   */
  picture(mid, paused) {
    if (paused) this.#paused.add(mid);
    else this.#paused.delete(mid);
    this.render();
  }

  /** A new link: what was said of an earlier one does not hold for it. */
  offered() {
    this.#paused.clear();
  }

  /** Its pictures are shown now. */
  replaced() {
    this.#talk.replaced();
    this.#reporter.again();
    this.render();
  }

  /**
   * @param {string} channel
   * @param {string} data
   */
  heard(channel, data) {
    this.#talk.heard(channel, data);
  }

  /** It is over: nothing of it stays. */
  end() {
    this.#share.stop();
    this.#reporter.stop();
    this.#talk.forget();
    this.#side.show(null);
    this.#hand = false;
    this.#view = null;
    this.#paused.clear();
    this.render();
  }

  render() {
    const view = this.#view;
    this.#tiles.render(view, this.#paused);
    this.#talk.render(view);
    this.#side.render();
    this.#buttons();
    const may = new Set(view?.you.may);
    this.#people.render(view?.people ?? [], view?.speaker ?? null, may);
    write(element('people-title', HTMLElement), say('people-count', { count: (view?.people.length ?? 0) + 1 }));
    const waiting = view?.waiting ?? [];
    element('people-waiting', HTMLElement).hidden = !may.has('admit');
    this.#side.waiting(waiting.length);
    this.#lobby.render(waiting, may, undefined);
    const { locked = false, layout = 'grid' } = view ?? {};
    this.#chair.render({ locked, layout, guests: view?.people.length ?? 0 }, may);
    this.#oneself(view);
  }

  /** @param {RoomView | null} view */
  #oneself(view) {
    const role = view?.you.role ?? 'guest';
    write(element('people-you', HTMLElement), say('you-are', { role: say(`role-${role}`) }));
    const acts = (view?.you.may ?? []).map((one) => say(`may-${one}`));
    write(element('people-may', HTMLElement), acts.length > 0 ? say('you-may', { acts: acts.join(', ') }) : say('you-may-not'));
    const locked = element('people-locked', HTMLElement);
    locked.hidden = !view?.locked;
    label(locked, 'door-locked', say('meeting-locked'));
  }

  #buttons() {
    const hand = element('hand', HTMLElement);
    hand.ariaPressed = String(this.#hand);
    label(hand, 'hand', say('hand'));
    const share = element('share', HTMLElement);
    const may = this.#view?.you.may.includes('present') ?? false;
    share.hidden = !this.#share.possible || (!may && !this.#share.track);
    share.ariaPressed = String(this.#share.track !== null);
    share.ariaDisabled = String(this.#share.asking);
    label(share, 'screen', say(this.#share.track ? 'share-stop' : 'share'));
    for (const [id, allowed] of /** @type {const} */ ([['microphone', this.maySpeak], ['camera', this.mayShow]])) {
      element(id, HTMLElement).ariaDisabled = String(!allowed);
    }
  }

  async #shareOrNot() {
    if (this.#share.track) return this.#share.end();
    const other = this.#view?.people.find(({ number }) => number === this.#view?.screen);
    if (other) return toast(say('share-taken', { name: other.name }));
    const refusal = await this.#share.begin();
    if (refusal) toast(say(`wish-${refusal}`));
  }

  /** Own microphone, camera and hand, as the room should know them. */
  #changed() {
    const view = this.#view;
    // What the role does not provide for is closed, so that nobody believes to be heard or seen.
    if (!this.maySpeak && this.#capture.speaks) return void this.#capture.switchMicrophone(false);
    if (!this.mayShow && this.#capture.video) return void this.#capture.switchCamera(false);
    if (view) {
      const { speaks, video } = this.#capture;
      void this.#reporter.is({ microphone: speaks, camera: video !== null, hand: this.#hand, mutes: view.you.mutes });
    }
    this.#buttons();
  }
}

/** @param {News} one */
function newsText(one) {
  switch (one.kind) {
    case 'came':
    case 'left':
    case 'hand':
    case 'presents':
    case 'waits':
      return say(`news-${one.kind}`, { name: one.name });
    case 'role':
      return say('news-role', { role: say(`role-${one.role}`) });
    case 'locked':
    case 'unlocked':
      return say(`news-${one.kind}`);
    case 'may-speak':
      return say('speak-now');
    case 'may-not-speak':
      return say('speak-not');
  }
}
