/**
 * The status page: what the guard knows, what its word is worth, whom the device contacts, what it runs.
 *
 * @module
 */

import { element, write, writeFingerprint } from './page.js';
import { inEveryLanguage, say, translatePage } from './words.js';

/** @typedef {import('./words.js').Key} Key */

/**
 * @typedef {object} CaptureState
 * @property {'open' | 'closed' | 'unknown'} switch
 * @property {'missing' | 'closed' | 'open' | 'closing' | 'foreign' | 'unknown'} node
 * @property {'lit' | 'dark' | 'unknown'} live
 * @property {string | null} refusal Why it would be refused; only the loss of its power is said here.
 */

/**
 * @typedef {object} GuardState
 * @property {boolean} awake
 * @property {CaptureState} camera
 * @property {CaptureState} microphone
 * @property {'simulated-one-user' | 'simulated-users' | { real: { camera: Worth, microphone: Worth } }} trust
 */

/** @typedef {{ lamp: 0 | 1 | 2 | 3, switch: 0 | 1 | 2 | 3 }} Worth */

/**
 * @typedef {object} Status
 * @property {string} version
 * @property {string} board
 * @property {{ date: string, 'closed-us': number, 'lit-us': number } | null} measured
 * @property {GuardState | null} guard
 * @property {boolean} media
 * @property {string | null} encoder
 * @property {'unknown' | 'as-it-is' | 'hidden' | 'revealed' | 'starting' | 'late' | 'doubtful' | 'failed' | 'model-missing' | 'model-damaged'} background
 * @property {number} guests
 * @property {{ host: string, purpose: string }[]} contacts
 * @property {string} fingerprint
 */

/** The page is looked at to see a lamp change: often enough for that, and only while it is seen. */
const INTERVAL = 2000;

/** @type {Status | null} */
let status = null;

function render() {
  document.title = say('status-title');
  if (!status) {
    write(element('now', HTMLElement), say('fingerprint-missing'));
    return;
  }
  const { guard, contacts } = status;
  write(element('now', HTMLElement), guard ? say(guard.awake ? 'status-awake' : 'status-asleep') : say('status-guard-missing'));
  element('trust-section', HTMLElement).hidden = guard === null;
  element('lamps-section', HTMLElement).hidden = guard === null;
  if (guard) {
    element('trust', HTMLElement).replaceChildren(...trust(guard.trust, status.measured).map(item));
    element('lamps', HTMLElement).replaceChildren(
      lamp('camera', guard.camera),
      lamp('microphone', guard.microphone),
    );
  }
  const background = element('background', HTMLElement);
  background.dataset['background'] = status.background;
  write(background, say(`status-background-${status.background}`));
  const hosts = contacts.map(({ host, purpose }) => item(`${host} (${purpose})`));
  element('contacts', HTMLElement).replaceChildren(...(hosts.length > 0 ? hosts : [item(say('status-contacts-none'))]));
  writeFingerprint(element('fingerprint', HTMLElement), status.fingerprint);
  write(element('version', HTMLElement), say('status-version', { version: status.version, board: status.board }));
  write(
    element('encoder', HTMLElement),
    status.encoder ? say('status-encoder', { encoder: status.encoder }) : say('status-encoder-none'),
  );
  write(element('media', HTMLElement), say(status.media ? 'status-media' : 'status-media-missing'));
  write(element('guests', HTMLElement), say('status-guests', { guests: status.guests }));
}

/**
 * What lamps and switches are worth.
 *
 * @param {GuardState['trust']} trust
 * @param {Status['measured']} measured
 * @returns {string[]}
 */
function trust(trust, measured) {
  if (typeof trust === 'string') return [say(`trust-${trust}`)];
  /** @type {('camera' | 'microphone')[]} */
  const captures = ['camera', 'microphone'];
  const worth = captures.map((capture) =>
    say('trust-capture', {
      capture: say(`capture-${capture}`),
      lamp: say(`lamp-tier-${trust.real[capture].lamp}`),
      switch: say(`switch-tier-${trust.real[capture].switch}`),
    }),
  );
  const ms = (/** @type {number} */ us) => (us / 1000).toFixed(1);
  const speed = measured
    ? say('measured', { date: measured.date, closed: ms(measured['closed-us']), lit: ms(measured['lit-us']) })
    : say('measured-never');
  return [...worth, speed];
}

/**
 * @param {'camera' | 'microphone'} capture
 * @param {CaptureState} state
 */
function lamp(capture, state) {
  const lamp = say('status-capture', {
    capture: say(`capture-${capture}`),
    lamp: say(`lamp-${state.live}`),
    node: say(`node-${state.node}`),
  });
  const cut = state.refusal === 'power' ? ` ${say('power-cut')}` : '';
  const entry = item(`${lamp}, ${say(`${capture === 'camera' ? 'shutter' : 'switch'}-${state.switch}`)}.${cut}`);
  const icon = document.createElement('span');
  icon.className = 'icon';
  icon.setAttribute('aria-hidden', 'true');
  icon.dataset['icon'] = state.live === 'dark' ? `${capture}-closed` : capture;
  entry.prepend(icon);
  entry.id = `lamp-${capture}`;
  entry.dataset['live'] = String(state.live !== 'dark');
  return entry;
}

/** @param {string} words */
function item(words) {
  const entry = document.createElement('li');
  const place = document.createElement('span');
  place.textContent = words;
  entry.append(place);
  return entry;
}

async function look() {
  try {
    const response = await fetch('/api/status');
    status = response.ok ? await response.json() : null;
  } catch {
    status = null;
  }
  render();
}

async function authority() {
  try {
    const response = await fetch('/authority.crt', { method: 'HEAD' });
    element('authority', HTMLElement).hidden = !response.ok;
  } catch {
    // Offered at the next visit.
  }
}

translatePage();
inEveryLanguage(render);
void look();
void authority();
setInterval(() => {
  if (document.visibilityState === 'visible') void look();
}, INTERVAL);
