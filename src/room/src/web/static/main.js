/**
 * The guests' page. It is plain modules: nothing is built, nothing is loaded from anywhere else.
 *
 * `data-state` of the body says where the guest is: `opening` (asking whether this browser is a guest already, some
 * milliseconds), `door`, `waiting`, `in`, `reconnecting`, `lost`, `ended`; `data-end` then says why
 * (`denied`, `removed`, `meeting-ended`, `left`, `elsewhere`, `lost`, `gone`, `unsupported`).
 *
 * For tests, these names stay: `#name`, `#pin`, `#join`, `#refusal`, `#notice-short`, `#notice`, `#waiting-leave`,
 * `#room-video`, `#own-video`, `#listen`, `#microphone` and `#camera` (`aria-pressed`: on), `#devices`, `#leave`,
 * `#room-camera` and `#room-microphone` (`data-live`: `true`, `false`, or empty), `#encryption` (`data-encryption`:
 * `none`, `end-to-end`, `device-not-checked`), `#background` (`data-hidden`), `#recording` (`data-recording`), `#stage` (`data-paused`), `#room-name`, `#banner`, `#again`,
 * `#language`, `#choose-microphone`, `#choose-camera`, `#choose-speaker`, `#fingerprint`; in a meeting of several
 * `#stage` (`data-arrangement`), `.tile[data-person]` (`data-speaks`, `data-hand`, `data-camera`, `data-paused`), `#screen-tile`,
 * `#hand`, `#share`, `#people`, `#talk`, `#talk-log`, `#talk-typing`, `#talk-field`, `#talk-letters`, `.people-list`,
 * `.waiting-list`, `#toast`, `#waiting-message`.
 *
 * | module | what it is for |
 * |---|---|
 * | `flow` | where the guest is; pure |
 * | `room`, `stream` | what is said to the room and heard from it |
 * | `link`, `senders` | picture, sound and channels |
 * | `capture`, `devices` | the guest's camera and microphone |
 * | `door`, `call`, `page` | what is seen |
 * | `meeting` | who else is there, and what one may do about it: `tiles`, `people`, `lobby`, `chair`, `talk`, `share`, `side` |
 * | `roster`, `layout`, `t140`, `wishes` | what these are made of |
 * | `texts`, `words` | both languages |
 *
 * @module
 */

import { CallView } from './call.js';
import { Capture } from './capture.js';
import { Devices } from './devices.js';
import { Door } from './door.js';
import { shown, start, step } from './flow.js';
import { Link, decodesH264 } from './link.js';
import { Meeting } from './meeting.js';
import { announce, element, toast, write } from './page.js';
import * as room from './room.js';
import { Stream } from './stream.js';
import { current, inEveryLanguage, say, translatePage } from './words.js';

/** @typedef {import('./flow.js').FlowEvent} FlowEvent */
/** @typedef {import('./flow.js').Shown} Shown */
/** @typedef {import('./room.js').GuestEvent} GuestEvent */

/** What the guest has switched off stays off after a reload. */
const SWITCHES = 'switches';

translatePage();
const capture = new Capture();
const link = new Link({
  answer: room.answer,
  failed: () => stream?.again(),
  replaced: () => {
    void view.play(link.room);
    meeting.replaced();
  },
  heard: (channel, data) => meeting.heard(channel, data),
  channels: () => meeting.render(),
});
const view = new CallView(link.room, capture);
const meeting = new Meeting(link, capture);
const devices = new Devices(capture);
const door = new Door((secret, name) => void join(secret, name));

/** @type {Stream<GuestEvent> | null} */
let stream = null;
let flow = start;
/** @type {Shown | null} */
let last = null;
/** @type {WakeLockSentinel | null} */
let awake = null;
/** What a moderator has to say to those who wait. @type {string | null} */
let message = null;

/** @param {Readonly<FlowEvent>} event */
function happen(event) {
  flow = step(flow, event);
  render();
}

/**
 * The click on *Join*.
 *
 * @param {{ pin: string } | { token: string }} secret
 * @param {string} name
 */
async function join(secret, name) {
  // Inside the click, before anything is waited for: it is the click that allows sound.
  void view.start();
  for (const id of ['own-video', 'waiting-video']) element(id, HTMLVideoElement).play().catch(() => {});
  door.busy();
  const refusal = await room.knock({ secret, name, lang: current(), h264: decodesH264() });
  if (refusal) {
    door.refused(refusal);
    return;
  }
  door.taken();
  happen({ kind: 'knocked' });
  listen();
  await capture.open();
}

function listen() {
  stream?.close();
  stream = new Stream({
    opened: () => happen({ kind: 'stream-open' }),
    heard,
    broken: () => happen({ kind: 'stream-broken' }),
    lost: () => happen({ kind: 'stream-lost' }),
    unknown: () => happen({ kind: 'session-unknown' }),
  });
}

/** @param {GuestEvent} event */
function heard(event) {
  const returning = flow.place === 'opening';
  switch (event.event) {
    case 'offer':
      // What was said of an earlier link does not hold for this one.
      view.paused = false;
      meeting.offered();
      void link.offer(event.link, event.sdp, event.lines);
      happen({ kind: 'offer' });
      break;
    case 'room':
      view.room = event;
      write(element('room-name', HTMLElement), event.room);
      meeting.is(event);
      render();
      break;
    case 'picture': {
      const line = link.offered?.['room-video'];
      if (event.mid === line) view.paused = event.paused;
      else meeting.picture(event.mid, event.paused);
      render();
      if (event.mid === line && event.paused) announce(say('picture-paused'));
      break;
    }
    case 'muted':
      meeting.muted();
      break;
    case 'present':
      if (!event.on) meeting.presentEnded();
      break;
    case 'ended':
      happen({ kind: 'ended', reason: event.reason });
      break;
    case 'waiting':
      message = event.message;
      happen({ kind: 'waiting' });
      break;
    case 'admitted':
    case 'connected':
    case 'reconnecting':
      happen({ kind: event.event });
      break;
  }
  if (returning && (flow.place === 'waiting' || flow.place === 'in')) void comeBack();
}

/** After a reload. No click has allowed anything here, so the browser decides what starts by itself. */
async function comeBack() {
  await view.start();
  await capture.open();
  // Browsers let a page that may hear the guest be heard, too.
  if (view.silent && (capture.audio || capture.video)) await view.start();
}

function ended() {
  stream?.close();
  stream = null;
  link.close();
  capture.close();
  devices.close();
  meeting.end();
  message = null;
  if (flow.end === 'meeting-ended' || flow.end === 'gone') door.forget();
  view.room = null;
  view.paused = false;
  sessionStorage.removeItem(SWITCHES);
}

function render() {
  const now = shown(flow);
  document.body.dataset['state'] = now;
  if (flow.end) document.body.dataset['end'] = flow.end;
  else delete document.body.dataset['end'];
  element('door', HTMLElement).hidden = flow.place !== 'door';
  element('waiting', HTMLElement).hidden = flow.place !== 'waiting';
  element('call', HTMLElement).hidden = flow.place !== 'in';
  element('ended', HTMLElement).hidden = flow.place !== 'ended';
  view.render(flow);
  const told = element('waiting-message', HTMLElement);
  told.hidden = !message;
  write(told, message ? say('waiting-message', { message }) : '');
  write(element('ended-title', HTMLElement), flow.end ? say(`ended-${flow.end}`) : '');
  write(element('ended-text', HTMLElement), flow.end ? say(`ended-${flow.end}-text`) : '');
  write(element('banner', HTMLElement), now === 'reconnecting' || now === 'lost' ? say(now) : '');
  const before = last;
  last = now;
  if (now !== before) arrived(before, now);
}

/**
 * @param {Shown | null} before
 * @param {Shown} now
 */
function arrived(before, now) {
  if (now === 'ended') ended();
  void keepAwake(now === 'in' || now === 'reconnecting');
  const back = before === 'reconnecting' || before === 'lost';
  if (now === 'in' && back) announce(say('back'));
  // A new place is read out from its heading; the door lets a person type at once.
  const heading = { waiting: 'waiting-title', in: 'call-title', ended: 'ended-title', door: null }[/** @type {string} */ (now)];
  if (heading && !back) element(heading, HTMLElement).focus({ preventScroll: true });
}

/** @param {boolean} wanted A phone's screen stays on during a call. */
async function keepAwake(wanted) {
  if (wanted === (awake !== null)) return;
  if (!wanted) {
    await awake?.release().catch(() => {});
    awake = null;
    return;
  }
  try {
    awake = await navigator.wakeLock.request('screen');
    awake.addEventListener('release', () => {
      awake = null;
    });
  } catch {
    // Not every browser can, and none in the background.
  }
}

function leave() {
  void room.leave();
  happen({ kind: 'ended', reason: 'left' });
}

element('leave', HTMLElement).addEventListener('click', leave);
element('waiting-leave', HTMLElement).addEventListener('click', leave);
element('again', HTMLElement).addEventListener('click', () => {
  happen({ kind: 'again' });
  element('name', HTMLElement).focus();
});
element('microphone', HTMLElement).addEventListener('click', () => {
  if (meeting.maySpeak) void capture.switchMicrophone(!capture.speaks);
  else toast(say('speak-not'));
});
element('camera', HTMLElement).addEventListener('click', () => {
  if (meeting.mayShow) void capture.switchCamera(capture.video === null);
  else toast(say('show-not'));
});
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void keepAwake(flow.place === 'in');
});

let problems = '';
capture.addEventListener('change', () => {
  void link.send({ video: capture.video, audio: capture.audio });
  if (flow.place === 'waiting' || flow.place === 'in') {
    sessionStorage.setItem(SWITCHES, JSON.stringify(capture.wanted));
    if (flow.place === 'in' && view.problems !== problems) announce(view.problems);
    problems = view.problems;
  }
  render();
});
inEveryLanguage(() => {
  render();
  meeting.render();
});

if (!('RTCPeerConnection' in window)) {
  happen({ kind: 'ended', reason: 'unsupported' });
} else {
  try {
    const switches = JSON.parse(sessionStorage.getItem(SWITCHES) ?? '{}');
    if (switches.microphone === false) capture.wanted.microphone = false;
    if (switches.camera === false) capture.wanted.camera = false;
  } catch {
    // Somebody else's words in our drawer.
  }
  // A browser that was let in, and reloads, is a guest already.
  listen();
}
