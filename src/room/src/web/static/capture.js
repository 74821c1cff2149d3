/**
 * The guest's own camera and microphone. Whatever the browser says to them, the guest takes part.
 *
 * A camera that is switched off is closed, so that its light goes out. A microphone that is switched off stays open
 * and sends silence: browsers take long to open one, and the first word would be lost.
 *
 * @module
 */

/** @typedef {'microphone' | 'camera'} Kind */
/** @typedef {'refused' | 'missing' | 'busy'} Problem */

/**
 * @typedef {object} Wanted
 * @property {boolean} microphone
 * @property {boolean} camera
 */

const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const VIDEO = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };

/** Emits `change` whenever anything here is different, and `device` with `gone` or `new` when one comes or goes. */
export class Capture extends EventTarget {
  /** @type {MediaStreamTrack | null} */
  video = null;
  /** @type {MediaStreamTrack | null} */
  audio = null;
  /** @type {Wanted} What the guest has switched on. */
  wanted = { microphone: true, camera: true };
  /** @type {Record<Kind, Problem | null>} */
  problem = { microphone: null, camera: null };
  /** The browser is being asked. */
  asking = false;
  /** @type {Record<Kind, string>} Chosen by the guest; empty: the default of the system. */
  chosen = { microphone: '', camera: '' };
  #closed = false;
  #devices = -1;

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener('devicechange', () => void this.#devicesChanged());
  }

  /** The microphone is open and not switched off. */
  get speaks() {
    return this.audio !== null && this.wanted.microphone;
  }

  /** Asks the browser for all that is wanted and not open. Resolves when it has answered. */
  async open() {
    this.#closed = false;
    const devices = await present();
    this.#devices = devices.length;
    const missing = (/** @type {MediaDeviceKind} */ kind) => devices.length > 0 && !devices.some((one) => one.kind === kind);
    const ask = {
      microphone: this.wanted.microphone && !this.audio,
      camera: this.wanted.camera && !this.video,
    };
    /** @type {[Kind, MediaDeviceKind][]} */
    const kinds = [
      ['microphone', 'audioinput'],
      ['camera', 'videoinput'],
    ];
    for (const [kind, deviceKind] of kinds) {
      if (!ask[kind]) continue;
      this.problem[kind] = null;
      if (!navigator.mediaDevices || missing(deviceKind)) this.problem[kind] = 'missing';
      else if (await denied(kind)) this.problem[kind] = 'refused';
      ask[kind] = this.problem[kind] === null;
    }
    this.asking = ask.microphone || ask.camera;
    this.#changed();
    // One question for both; only if it fails for another reason than a no, one for each.
    const both = ask.microphone && ask.camera;
    if (this.asking && !(await this.#ask(ask)) && both && this.problem.camera !== 'refused') {
      await this.#ask({ microphone: true, camera: false });
      await this.#ask({ microphone: false, camera: true });
    }
    this.asking = false;
    this.#changed();
  }

  /** @param {boolean} on */
  async switchMicrophone(on) {
    this.wanted.microphone = on;
    if (this.audio) this.audio.enabled = on;
    this.#changed();
    if (on && !this.audio) await this.open();
  }

  /** @param {boolean} on */
  async switchCamera(on) {
    this.wanted.camera = on;
    if (!on) this.#replace('camera', null);
    this.#changed();
    if (on && !this.video) await this.open();
  }

  /**
   * Takes another device. The present one stays if the other cannot be opened.
   *
   * @param {Kind} kind
   * @param {string} device
   * @returns {Promise<boolean>}
   */
  async choose(kind, device) {
    const before = this.chosen[kind];
    this.chosen[kind] = device;
    if (!this.wanted[kind]) return true;
    const opened = await this.#ask({ microphone: kind === 'microphone', camera: kind === 'camera' });
    if (!opened) {
      this.chosen[kind] = before;
      if (kind === 'camera' ? this.video : this.audio) this.problem[kind] = null;
    }
    this.#changed();
    return opened;
  }

  /** Closes everything. */
  close() {
    this.#closed = true;
    this.#replace('camera', null);
    this.#replace('microphone', null);
    this.#changed();
  }

  /**
   * @param {Wanted} ask
   * @returns {Promise<boolean>}
   */
  async #ask(ask) {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: ask.microphone && { ...AUDIO, ...device(this.chosen.microphone) },
        video: ask.camera && { ...VIDEO, ...device(this.chosen.camera) },
      });
      for (const track of stream.getTracks()) {
        const kind = track.kind === 'video' ? 'camera' : 'microphone';
        // Switched off, or gone, while the browser was asking.
        if (this.#closed || (kind === 'camera' && !this.wanted.camera)) track.stop();
        else this.#replace(kind, track);
      }
      return true;
    } catch (error) {
      const problem = problemOf(error);
      if (ask.microphone) this.problem.microphone = problem;
      if (ask.camera) this.problem.camera = problem;
      return false;
    }
  }

  /**
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  #replace(kind, track) {
    const old = kind === 'camera' ? this.video : this.audio;
    if (kind === 'camera') this.video = track;
    else this.audio = track;
    if (track) {
      this.problem[kind] = null;
      if (kind === 'microphone') track.enabled = this.wanted.microphone;
      track.addEventListener('ended', () => this.#ended(kind, track));
    }
    old?.stop();
    this.#changed();
  }

  /**
   * A device was unplugged or taken away: another one may be there.
   *
   * @param {Kind} kind
   * @param {MediaStreamTrack} track
   */
  #ended(kind, track) {
    if (this.#closed || (kind === 'camera' ? this.video : this.audio) !== track) return;
    this.chosen[kind] = '';
    this.#replace(kind, null);
    void this.open();
  }

  async #devicesChanged() {
    const before = this.#devices;
    const devices = await present();
    this.#devices = devices.length;
    if (before >= 0 && before !== devices.length) {
      this.dispatchEvent(new CustomEvent('device', { detail: devices.length < before ? 'gone' : 'new' }));
    }
    this.#changed();
    const lacks = (/** @type {Kind} */ kind) => this.wanted[kind] && this.problem[kind] === 'missing';
    if (!this.#closed && before >= 0 && (lacks('microphone') || lacks('camera'))) await this.open();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** @param {string} id */
function device(id) {
  return id === '' ? {} : { deviceId: { exact: id } };
}

/** @returns {Promise<MediaDeviceInfo[]>} */
export async function present() {
  try {
    return (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  } catch {
    return [];
  }
}

/**
 * The guest has said no before, for good: asking for both would be refused because of one.
 *
 * @param {Kind} kind
 */
async function denied(kind) {
  try {
    const name = /** @type {PermissionName} */ (/** @type {unknown} */ (kind));
    return (await navigator.permissions.query({ name })).state === 'denied';
  } catch {
    return false;
  }
}

/**
 * @param {unknown} error
 * @returns {Problem}
 */
function problemOf(error) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'refused';
  return name === 'NotFoundError' || name === 'OverconstrainedError' ? 'missing' : 'busy';
}
