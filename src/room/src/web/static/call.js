/**
 * What is seen in the waiting room and in the call: the room's picture, what is true there, the guest's own camera.
 *
 * @module
 */

import { element, label, write, writeFingerprint } from './page.js';
import { fingerprint } from './room.js';
import { say } from './words.js';

/** @typedef {import('./capture.js').Capture} Capture */
/** @typedef {import('./capture.js').Problem} Problem */
/** @typedef {import('./flow.js').Flow} Flow */
/** @typedef {import('./room.js').RoomView} RoomView */
/** @typedef {import('./words.js').Key} Key */

export class CallView {
  #video = element('room-video', HTMLVideoElement);
  #listen = element('listen', HTMLButtonElement);
  /** @type {RoomView | null} */
  #room = null;
  /** The guest's connection is too narrow for the room's picture. */
  paused = false;
  #stream;
  #capture;

  /**
   * @param {MediaStream} stream
   * @param {Capture} capture
   */
  constructor(stream, capture) {
    this.#stream = stream;
    this.#capture = capture;
    label(this.#listen, 'listen', '');
    this.#listen.addEventListener('click', () => void this.start());
    element('encryption', HTMLElement).addEventListener('click', () => void this.#explain());
  }

  /**
   * Goes on with another stream.
   *
   * @param {MediaStream} stream
   */
  async play(stream) {
    this.#stream = stream;
    await this.start();
  }

  /**
   * Starts everything that plays. Inside a click browsers allow sound; outside of one they may not, then the picture
   * starts alone and a button offers the sound.
   */
  async start() {
    // Not earlier: an empty stream would hold up the page's `load` event.
    this.#video.srcObject = this.#stream;
    this.#video.muted = false;
    try {
      // An empty stream does not begin; what matters is that the call came from a click.
      await Promise.race([this.#video.play(), settled()]);
      this.#listen.hidden = true;
    } catch (error) {
      if (error instanceof DOMException && error.name === 'NotAllowedError') {
        this.#listen.hidden = false;
        this.#video.muted = true;
        await Promise.race([this.#video.play().catch(() => {}), settled()]);
      }
    }
  }

  /** The browser has let the picture start without its sound. */
  get silent() {
    return !this.#listen.hidden;
  }

  /** @param {RoomView | null} room */
  set room(room) {
    this.#room = room;
  }

  /** @param {Readonly<Flow>} flow */
  render(flow) {
    this.#facts();
    this.#own();
    const moving = flow.media === 'connected' || flow.media === 'reconnecting';
    write(element('stage-words', HTMLElement), moving ? (this.paused ? say('picture-paused') : '') : say('connecting'));
    element('stage', HTMLElement).dataset['paused'] = String(moving && this.paused);
    this.#video.setAttribute('aria-label', say('room-video'));
  }

  #facts() {
    const room = this.#room;
    const live = (/** @type {string} */ id, /** @type {boolean | undefined} */ on, /** @type {Key[]} */ [yes, no]) => {
      const place = element(id, HTMLElement);
      place.dataset['live'] = on === undefined ? '' : String(on);
      const icon = id.endsWith('camera') ? 'camera' : 'microphone';
      label(place, on === false ? `${icon}-closed` : icon, on === undefined ? '…' : say(on ? (yes ?? no) : (no ?? yes)));
    };
    live('room-camera', room?.['camera-live'], ['room-camera-live', 'room-camera-closed']);
    live('room-microphone', room?.['microphone-live'], ['room-microphone-live', 'room-microphone-closed']);
    const background = element('background', HTMLElement);
    const hidden = room?.['background-hidden'] ?? false;
    // While the camera is closed there is nothing to be said of what would be behind people.
    background.hidden = room?.['camera-live'] !== true;
    background.dataset['hidden'] = String(hidden);
    const seen = behind(room?.background ?? 'unknown');
    background.dataset['background'] = seen;
    label(background, hidden ? 'background-hidden' : 'background', say(`background-${seen}`));
    const encryption = element('encryption', HTMLElement);
    const word = room?.encryption ?? 'none';
    encryption.dataset['encryption'] = word;
    label(encryption, word === 'end-to-end' ? 'lock-checked' : 'lock-unchecked', say(`encryption-${word}`));
    const recording = room?.recording ?? false;
    element('recording', HTMLElement).dataset['recording'] = String(recording);
    label(element('recording', HTMLElement), 'no-recording', say(recording ? 'recording-now' : 'recording-never'));
    if (room) write(element('call-title', HTMLElement), say('call-title', { room: room.room }));
    const dialog = element('encryption-dialog', HTMLDialogElement);
    if (dialog.open) this.#encryptionWords(word);
  }

  #own() {
    const { video, speaks, asking } = this.#capture;
    for (const id of ['own-video', 'waiting-video']) {
      const preview = element(id, HTMLVideoElement);
      const shown = preview.srcObject instanceof MediaStream ? preview.srcObject.getVideoTracks()[0] : undefined;
      if ((shown ?? null) !== video) {
        preview.srcObject = video ? new MediaStream([video]) : null;
        if (video) preview.play().catch(() => {});
      }
      preview.hidden = video === null;
    }
    const words = asking ? say('capture-asking') : say(ownState(speaks, video !== null));
    write(element('waiting-capture', HTMLElement), [words, this.#problems()].filter(Boolean).join(' '));
    write(element('own-words', HTMLElement), video ? '' : say('own-camera-off'));
    const muted = element('own-muted', HTMLElement);
    muted.hidden = speaks;
    label(muted, 'microphone-closed', say('mark-muted'));
    toggle('microphone', speaks);
    toggle('camera', video !== null);
    label(element('devices', HTMLElement), 'devices', say('devices'));
    label(element('leave', HTMLElement), 'leave', say('leave'));
  }

  /** What keeps camera or microphone closed, in words; empty when nothing does. */
  #problems() {
    const { microphone, camera } = this.#capture.problem;
    if (microphone === camera) return microphone ? problemText(microphone, 'both') : '';
    const texts = [microphone ? problemText(microphone, 'microphone') : '', camera ? problemText(camera, 'camera') : ''];
    return texts.filter(Boolean).join(' ');
  }

  get problems() {
    return this.#problems();
  }

  async #explain() {
    const dialog = element('encryption-dialog', HTMLDialogElement);
    this.#encryptionWords(this.#room?.encryption ?? 'none');
    write(element('fingerprint', HTMLElement), '…');
    dialog.showModal();
    try {
      writeFingerprint(element('fingerprint', HTMLElement), await fingerprint());
    } catch {
      write(element('fingerprint', HTMLElement), say('fingerprint-missing'));
    }
  }

  /** @param {import('./room.js').Encryption} word */
  #encryptionWords(word) {
    write(element('encryption-title', HTMLElement), say(`encryption-${word}`));
    write(element('encryption-text', HTMLElement), say(`encryption-${word}-text`));
  }
}

/**
 * A button that is pressed while something is on. Its name stays the same, as screen readers expect of such a button;
 * the word for its state is there for those who see it.
 *
 * @param {'microphone' | 'camera'} id
 * @param {boolean} on
 */
function toggle(id, on) {
  const button = element(id, HTMLButtonElement);
  button.setAttribute('aria-pressed', String(on));
  label(button, on ? id : `${id}-closed`, say(id));
  const state = button.querySelector('.state');
  if (state instanceof HTMLElement) write(state, say(on ? 'on' : 'off'));
}

/**
 * @param {boolean} speaks
 * @param {boolean} seen
 * @returns {Key}
 */
function ownState(speaks, seen) {
  if (speaks) return seen ? 'own-both' : 'own-microphone';
  return seen ? 'own-camera' : 'own-neither';
}

/**
 * @param {Problem} problem
 * @param {'microphone' | 'camera' | 'both'} which
 */
function problemText(problem, which) {
  const what = say(problem === 'missing' ? `no-${which}` : `what-${which}`);
  return say(`capture-${problem}`, { what });
}

/**
 * What a guest is told of what stands behind the people in the room; why there is a card is the operator's to know.
 *
 * @param {import('./room.js').Background} word
 */
function behind(word) {
  switch (word) {
    case 'unknown':
    case 'as-it-is':
    case 'hidden':
    case 'revealed':
      return word;
    case 'starting':
    case 'late':
    case 'doubtful':
    case 'failed':
    case 'model-missing':
    case 'model-damaged':
      return 'covered';
  }
}

function settled() {
  return new Promise((done) => setTimeout(done, 300));
}
