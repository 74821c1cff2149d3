/**
 * Sharing one's screen: asked of the browser, then of the room, and sent only when both have said yes. It ends by the
 * button, by the browser's own bar, or by the room.
 *
 * @module
 */

/** @typedef {import('./wishes.js').WishRefusal} WishRefusal */

const WANTED = { video: { width: { max: 1920 }, height: { max: 1080 }, frameRate: { max: 15 } }, audio: false };

/** Emits `change` when it begins or ends. */
export class Share extends EventTarget {
  /** @type {MediaStreamTrack | null} What is sent. */
  track = null;
  /** The browser or the room is being asked. */
  asking = false;
  #present;

  /** @param {(on: boolean) => Promise<WishRefusal | null>} present */
  constructor(present) {
    super();
    this.#present = present;
  }

  /** Phones cannot. */
  get possible() {
    return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
  }

  /**
   * Inside a click: browsers ask for a screen only then.
   *
   * @returns {Promise<WishRefusal | null>} Why not, if the room does not want it.
   */
  async begin() {
    if (this.track || this.asking) return null;
    this.#asks(true);
    /** @type {MediaStreamTrack | undefined} */
    let track;
    try {
      [track] = (await navigator.mediaDevices.getDisplayMedia(WANTED)).getVideoTracks();
    } catch {
      // The person has thought better of it, or the system forbids it and has said so.
    }
    const refusal = track ? await this.#present(true) : null;
    if (track && refusal) track.stop();
    // Stopped by the browser's bar while the room was asked: nobody sees anything, so nobody shall be said to share.
    if (track?.readyState === 'ended' && !refusal) void this.#present(false);
    if (track?.readyState === 'live') this.#begun(track);
    this.#asks(false);
    return refusal;
  }

  /** By the button. */
  async end() {
    if (this.stop()) await this.#present(false);
  }

  /** The room has ended it, or everything ends. `true`: something was shared. */
  stop() {
    if (!this.track) return false;
    this.track.stop();
    this.track = null;
    this.dispatchEvent(new Event('change'));
    return true;
  }

  /** @param {MediaStreamTrack} track */
  #begun(track) {
    // Letters matter more than movement.
    track.contentHint = 'detail';
    this.track = track;
    track.addEventListener('ended', () => {
      if (this.track === track) void this.end();
    });
  }

  /** @param {boolean} asking */
  #asks(asking) {
    this.asking = asking;
    this.dispatchEvent(new Event('change'));
  }
}
