/**
 * Choosing microphone, camera and speaker, before and during a call.
 *
 * @module
 */

import { present } from './capture.js';
import { announce, element, write } from './page.js';
import { say } from './words.js';

/** @typedef {import('./capture.js').Capture} Capture */

export class Devices {
  #dialog = element('devices-dialog', HTMLDialogElement);
  #words = element('devices-words', HTMLElement);
  #video = element('room-video', HTMLVideoElement);
  #capture;

  /** @param {Capture} capture */
  constructor(capture) {
    this.#capture = capture;
    element('devices', HTMLElement).addEventListener('click', () => {
      write(this.#words, '');
      this.#dialog.showModal();
      void this.#fill();
    });
    /** @type {['microphone' | 'camera', string][]} */
    const kinds = [
      ['microphone', 'choose-microphone'],
      ['camera', 'choose-camera'],
    ];
    for (const [kind, id] of kinds) {
      const list = element(id, HTMLSelectElement);
      list.addEventListener('change', async () => {
        const opened = await capture.choose(kind, list.value);
        write(this.#words, opened ? '' : say('device-failed'));
        await this.#fill();
      });
    }
    const speakers = element('choose-speaker', HTMLSelectElement);
    speakers.addEventListener('change', async () => {
      try {
        await this.#video.setSinkId(speakers.value);
        write(this.#words, '');
      } catch {
        write(this.#words, say('device-failed'));
      }
    });
    capture.addEventListener('device', (event) => {
      const gone = event instanceof CustomEvent && event.detail === 'gone';
      announce(say(gone ? 'device-gone' : 'device-new'));
    });
    capture.addEventListener('change', () => {
      if (this.#dialog.open) void this.#fill();
    });
  }

  close() {
    this.#dialog.close();
  }

  async #fill() {
    const devices = await present();
    const { audio, video, chosen } = this.#capture;
    const used = (/** @type {MediaStreamTrack | null} */ track, /** @type {string} */ wish) =>
      track?.getSettings().deviceId ?? wish;
    fill('choose-microphone', devices, 'audioinput', used(audio, chosen.microphone));
    fill('choose-camera', devices, 'videoinput', used(video, chosen.camera));
    // Safari and older Firefox leave the choice of the speaker to the system.
    const selectable = 'setSinkId' in this.#video && devices.some((device) => device.kind === 'audiooutput');
    element('speaker-field', HTMLElement).hidden = !selectable;
    if (selectable) fill('choose-speaker', devices, 'audiooutput', this.#video.sinkId);
  }
}

/**
 * @param {string} id
 * @param {MediaDeviceInfo[]} devices
 * @param {MediaDeviceKind} kind
 * @param {string} used
 */
function fill(id, devices, kind, used) {
  const list = element(id, HTMLSelectElement);
  const options = devices
    .filter((device) => device.kind === kind)
    .map((device, index) => new Option(device.label || say('device-unnamed', { number: index + 1 }), device.deviceId));
  // The speaker's default has no name of its own, and before a permission nothing has.
  if (kind === 'audiooutput' && !options.some((option) => option.value === 'default')) {
    options.unshift(new Option(say('device-default'), ''));
  }
  if (options.length === 0) options.push(new Option(say('device-none'), ''));
  list.disabled = options.length < 2;
  list.replaceChildren(...options);
  if (options.some((option) => option.value === used)) list.value = used;
}
