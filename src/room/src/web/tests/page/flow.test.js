import assert from 'node:assert/strict';
import { test } from 'node:test';

import { shown, start, step } from '../../static/flow.js';

const EVENTS = [
  { kind: 'stream-open' },
  { kind: 'stream-broken' },
  { kind: 'stream-lost' },
  { kind: 'session-unknown' },
  { kind: 'knocked' },
  { kind: 'waiting' },
  { kind: 'admitted' },
  { kind: 'offer' },
  { kind: 'connected' },
  { kind: 'reconnecting' },
  { kind: 'again' },
  ...['denied', 'removed', 'meeting-ended', 'left', 'elsewhere', 'lost', 'gone'].map((reason) => ({ kind: 'ended', reason })),
];

/** @param {...string} kinds */
function after(...kinds) {
  return kinds.reduce((flow, kind) => {
    const event = EVENTS.find((one) => one.kind === kind || one.reason === kind);
    assert.ok(event, kind);
    return step(flow, event);
  }, start);
}

test('each way through the page shows what it should', () => {
  for (const [shows, ...kinds] of [
    ['opening'],
    ['door', 'session-unknown'],
    ['door', 'stream-broken', 'stream-lost'],
    ['waiting', 'session-unknown', 'knocked'],
    ['waiting', 'session-unknown', 'knocked', 'stream-open', 'waiting'],
    ['in', 'session-unknown', 'knocked', 'stream-open', 'waiting', 'admitted'],
    ['in', 'session-unknown', 'knocked', 'stream-open', 'admitted', 'offer', 'connected'],
    ['waiting', 'stream-open', 'waiting'],
    ['in', 'stream-open', 'admitted', 'offer', 'connected'],
    ['reconnecting', 'stream-open', 'admitted', 'connected', 'reconnecting'],
    ['in', 'stream-open', 'admitted', 'connected', 'reconnecting', 'offer', 'connected'],
    ['reconnecting', 'stream-open', 'admitted', 'connected', 'stream-broken'],
    ['lost', 'stream-open', 'admitted', 'connected', 'stream-broken', 'stream-lost'],
    ['lost', 'stream-open', 'waiting', 'stream-broken', 'stream-lost', 'stream-broken'],
    ['in', 'stream-open', 'admitted', 'connected', 'stream-broken', 'stream-lost', 'stream-open', 'admitted'],
    ['waiting', 'stream-open', 'waiting', 'stream-broken', 'stream-open', 'waiting'],
    ['ended', 'stream-open', 'admitted', 'stream-broken', 'session-unknown'],
    ['ended', 'stream-open', 'waiting', 'denied'],
    ['door', 'stream-open', 'waiting', 'denied', 'again'],
  ]) {
    assert.equal(shown(after(...kinds)), shows, kinds.join(' '));
  }
});

test('p10 a loss that ends in a restarted room is said as such', () => {
  assert.equal(after('stream-open', 'admitted', 'stream-broken', 'session-unknown').end, 'gone');
  assert.equal(after('stream-open', 'waiting', 'elsewhere').end, 'elsewhere');
});

test('after the end nothing but the person begins again', () => {
  const ended = after('stream-open', 'admitted', 'meeting-ended');
  for (const event of EVENTS) {
    if (event.kind !== 'again') assert.equal(step(ended, event), ended, event.kind);
  }
});

test('no order of events leaves the page without a place, or without a reason at the end', () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647);
  for (let run = 0; run < 2000; run += 1) {
    let flow = start;
    for (let index = 0; index < 12; index += 1) {
      flow = step(flow, /** @type {any} */ (EVENTS[random() % EVENTS.length]));
      assert.ok(['opening', 'door', 'waiting', 'in', 'reconnecting', 'lost', 'ended'].includes(shown(flow)));
      assert.equal(flow.end !== null, flow.place === 'ended');
    }
  }
});
