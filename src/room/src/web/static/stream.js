/**
 * The event stream, opened again by itself whenever it breaks.
 *
 * @module
 */

import { listen } from './room.js';

/** Waits between tries, in milliseconds; the last one repeats. */
const WAITS = [200, 500, 1000, 2000, 4000, 8000];
/** Broken for this long is lost. */
const LOST_AFTER = 5000;

/**
 * @template Heard
 * @typedef {object} Listener
 * @property {() => void} opened
 * @property {(event: Heard) => void} heard
 * @property {() => void} broken It broke; tried again by itself.
 * @property {() => void} lost It has been broken for more than a moment.
 * @property {() => void} unknown The room does not know this browser. Nothing is tried any more.
 */

/** @template Heard */
export class Stream {
  /** @type {Listener<Heard>} */
  #listener;
  #path;
  #stop = new AbortController();
  /** Ends the present try, or the wait between two. */
  #again = new AbortController();
  #tries = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #lost;

  /**
   * @param {Listener<Heard>} listener
   * @param {string} path
   */
  constructor(listener, path = '/api/events') {
    this.#listener = listener;
    this.#path = path;
    // Both say that it may be worth trying now.
    const now = () => {
      if (document.visibilityState === 'visible' && this.#lost !== undefined) this.again();
    };
    window.addEventListener('online', now, { signal: this.#stop.signal });
    document.addEventListener('visibilitychange', now, { signal: this.#stop.signal });
    void this.#run();
  }

  /** Breaks off and opens again at once: the room then offers a new link. */
  again() {
    this.#tries = 0;
    this.#again.abort();
  }

  close() {
    clearTimeout(this.#lost);
    this.#stop.abort();
    this.#again.abort();
  }

  async #run() {
    const stop = this.#stop.signal;
    while (!stop.aborted) {
      this.#again = new AbortController();
      const outcome = await listen(
        this.#again.signal,
        () => {
          clearTimeout(this.#lost);
          this.#lost = undefined;
          this.#tries = 0;
          this.#listener.opened();
        },
        (/** @type {Heard} */ event) => {
          if (!stop.aborted) this.#listener.heard(event);
        },
        this.#path,
      );
      if (stop.aborted) return;
      if (outcome === 'unknown') {
        this.close();
        this.#listener.unknown();
        return;
      }
      this.#listener.broken();
      this.#lost ??= setTimeout(() => this.#listener.lost(), LOST_AFTER);
      if (this.#again.signal.aborted) this.#again = new AbortController();
      await this.#wait(WAITS[Math.min(this.#tries, WAITS.length - 1)] ?? 0);
      this.#tries += 1;
    }
  }

  /** @param {number} milliseconds */
  #wait(milliseconds) {
    const { signal } = this.#again;
    return new Promise((done) => {
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        done(undefined);
      });
    });
  }
}
