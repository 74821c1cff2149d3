/**
 * The remote: a phone that was paired at the device runs the room's own meeting (`remote-meeting`), or gives the room a
 * link, sees what becomes of it, and ends it. What joins, and what opens camera or microphone, is an act in the room;
 * there is no word for it here.
 *
 * @module
 */

import { announce, element, write } from './page.js';
import { RemoteMeeting } from './remote-meeting.js';
import { post } from './room.js';
import { Stream } from './stream.js';
import { current, inEveryLanguage, say, translatePage } from './words.js';

/** @typedef {import('./words.js').Key} Key */

/** @typedef {'free' | 'guests' | 'proposed' | 'joining' | 'password' | 'in' | 'over'} Phase */

/**
 * @typedef {object} View
 * @property {string} room
 * @property {number} phones
 * @property {Phase} phase
 * @property {string | null} host
 * @property {string | null} operator
 * @property {string | null} sentence
 * @property {import('./remote-meeting.js').MeetingView | null} meeting The room's own.
 */

/** @typedef {({ event: 'state' } & View) | { event: 'ended' }} PhoneEvent */

/**
 * @typedef {{ refusal: 'no-code' | 'unanswered' }
 *   | { refusal: 'wrong-code' | 'too-early', retry_after_ms: number }} Refusal
 */

/** @typedef {'opening' | 'pairing' | 'paired' | 'ended'} Place */

/** The token of a scanned code. It leaves the address bar, and the history, at once. */
function token() {
  const fragment = location.hash.slice(1);
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
  return /^[0-9a-f]{32}$/.test(fragment) ? fragment : null;
}

let scanned = token();
/** @type {Place} */
let place = 'opening';
/** @type {View | null} */
let view = null;
/** @type {Refusal | null} */
let refused = null;
/** Why a link is not on the screen, in the words of the room. */
let declined = '';
let lost = false;
/** What was last said of a meeting that came to nothing; it outlives the pairing. */
let last = '';
/** @type {Stream<PhoneEvent> | null} */
let stream = null;

const meeting = new RemoteMeeting(() => render());
const code = element('code', HTMLInputElement);
const link = element('link', HTMLTextAreaElement);
const password = element('password', HTMLInputElement);

/** @param {Place} now */
function go(now) {
  if (place === now) return;
  place = now;
  render();
  const heading = { opening: null, pairing: null, paired: 'phase', ended: 'ended-title' }[now];
  if (heading) element(heading, HTMLElement).focus({ preventScroll: true });
}

function render() {
  document.title = say('remote-title');
  document.body.dataset['state'] = place;
  for (const id of ['pairing', 'paired', 'ended']) element(id, HTMLElement).hidden = place !== id;
  complain('pair-refusal', refused ? words(refused) : '');
  complain('propose-refusal', declined);
  write(element('banner', HTMLElement), lost && place === 'paired' ? say('lost') : '');
  fill('ended-sentence', last);
  if (view) renderView(view);
}

/** @param {View} view */
function renderView({ room, phones, phase, host, operator, sentence, meeting: own }) {
  const free = phase === 'free';
  meeting.render(free || phase === 'guests' ? own : null, free);
  // Between guests it is one of several things to look at.
  const held = own !== null && (phase === 'guests' || (free && !meeting.link));
  document.body.dataset['phase'] = phase;
  write(element('room-name', HTMLElement), room);
  write(element('phase', HTMLElement), held ? RemoteMeeting.title(own) : say(`remote-${phase}`));
  fill('host', host ?? '');
  const record = operator ? say('remote-run-by', { operator }) : say('remote-not-on-record');
  const before = phase === 'proposed' || phase === 'joining' || phase === 'password';
  fill('operator', host && before ? record : '');
  element('operator', HTMLElement).dataset['known'] = String(operator !== null);
  write(element('sentence', HTMLElement), sentence ?? (held ? RemoteMeeting.sentence(own) : say(`remote-${phase}-text`)));
  element('propose', HTMLFormElement).hidden = !free || !meeting.link;
  element('unlock', HTMLFormElement).hidden = phase !== 'password';
  const leave = element('leave', HTMLButtonElement);
  leave.hidden = phase === 'free' || phase === 'guests' || phase === 'over';
  write(leave, say(phase === 'proposed' ? 'remote-withdraw' : phase === 'in' ? 'remote-leave' : 'remote-give-up'));
  write(element('phones', HTMLElement), phones > 1 ? say('remote-phones', { phones }) : '');
}

/**
 * Words that are there or not.
 *
 * @param {string} id
 * @param {string} words
 */
function fill(id, words) {
  const place = element(id, HTMLElement);
  place.hidden = words === '';
  write(place, words);
}

/**
 * @param {string} id
 * @param {string} words
 */
function complain(id, words) {
  fill(id, words);
  const field = id === 'pair-refusal' ? code : link;
  if (words === '') field.removeAttribute('aria-invalid');
  else field.setAttribute('aria-invalid', 'true');
}

/** @param {Refusal} refusal */
function words(refusal) {
  const seconds = 'retry_after_ms' in refusal ? Math.ceil(refusal.retry_after_ms / 1000) : 0;
  switch (refusal.refusal) {
    case 'no-code':
      return say('remote-refused-no-code');
    case 'wrong-code':
      return seconds > 0 ? say('remote-refused-wait', { seconds }) : say('remote-refused-wrong');
    case 'too-early':
      return say('refused-early', { seconds });
    case 'unanswered':
      return say('refused-unanswered');
  }
}

/** @param {{ code: string } | { token: string }} secret */
async function pair(secret) {
  refused = null;
  render();
  /** @type {Refusal | null} */
  let refusal = { refusal: 'unanswered' };
  try {
    const response = await post('/api/remote/pair', secret);
    if (response.ok) refusal = null;
    else if (response.status === 403 || response.status === 429) refusal = await response.json();
  } catch {
    // Said below.
  }
  refused = refusal;
  if (refusal) {
    go('pairing');
    render();
    code.select();
    return;
  }
  code.value = '';
  listen();
}

function listen() {
  stream?.close();
  stream = new Stream(
    {
      opened: () => {
        lost = false;
        render();
      },
      heard,
      broken: () => {},
      lost: () => {
        lost = true;
        render();
      },
      unknown: stranger,
    },
    `/api/remote/events?lang=${current()}`,
  );
}

/** @param {PhoneEvent} event */
function heard(event) {
  if (event.event === 'ended') {
    over();
    return;
  }
  const before = view?.phase;
  view = event;
  last = event.phase === 'over' ? (event.sentence ?? '') : '';
  if (before !== event.phase) {
    declined = '';
    link.value = '';
    password.value = '';
  }
  go('paired');
  render();
}

/** The room does not know this phone: it never did, or its pairing has ended while nobody listened. */
function stranger() {
  if (place === 'paired') {
    over();
  } else if (scanned) {
    const token = scanned;
    scanned = null;
    void pair({ token });
  } else {
    go('pairing');
    code.focus();
  }
}

function over() {
  stream?.close();
  stream = null;
  view = null;
  meeting.render(null, false);
  delete document.body.dataset['phase'];
  declined = '';
  for (const field of [code, link, password]) field.value = '';
  go('ended');
}

/**
 * @param {string} path
 * @param {object} body
 * @returns {Promise<string>} Why not, if not.
 */
async function tell(path, body) {
  try {
    const response = await post(path, body);
    if (response.ok) return '';
    if (response.status === 409) return (await response.json()).sentence;
    if (response.status === 401) {
      over();
      return '';
    }
  } catch {
    // Said below.
  }
  return say('refused-unanswered');
}

element('pair', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  if (code.value.trim() === '') code.focus();
  else void pair({ code: code.value.trim() });
});

element('propose', HTMLFormElement).addEventListener('submit', async (event) => {
  event.preventDefault();
  declined = await tell('/api/remote/propose', { link: link.value.trim(), lang: current() });
  render();
  if (declined) link.focus();
});

element('unlock', HTMLFormElement).addEventListener('submit', async (event) => {
  event.preventDefault();
  if (password.value === '') return password.focus();
  const trouble = await tell('/api/remote/password', { password: password.value });
  password.value = '';
  if (trouble) announce(trouble);
});

element('leave', HTMLButtonElement).addEventListener('click', async () => {
  const trouble = await tell('/api/remote/leave', {});
  if (trouble) announce(trouble);
});

element('again', HTMLButtonElement).addEventListener('click', () => {
  last = '';
  go('pairing');
  code.focus();
});

// A second code scanned into the same window.
window.addEventListener('hashchange', () => {
  const again = token();
  if (again && place !== 'paired') void pair({ token: again });
});

translatePage();
let language = current();
inEveryLanguage(() => {
  render();
  // Its sentences come in the language that was asked for.
  if (language !== current() && stream) listen();
  language = current();
});
// A phone that was paired, and reloads, is paired.
listen();
