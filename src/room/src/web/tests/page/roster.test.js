import assert from 'node:assert/strict';
import { test } from 'node:test';

import { initials, large, news } from '../../static/roster.js';

/** @typedef {import('../../static/room.js').RoomView} RoomView */

/**
 * @param {number} number
 * @param {object} [other]
 */
const person = (number, other = {}) => ({
  number, name: `P${number}`, role: 'guest', slot: number, microphone: true, camera: true, silenced: false, hand: false,
  presenting: false, connected: true, ...other,
});

/**
 * @param {object} [other]
 * @returns {RoomView}
 */
const view = (other = {}) =>
  /** @type {any} */ ({
    layout: 'grid', screen: null, speaker: null, locked: false, people: [], waiting: [],
    you: { number: 9, role: 'guest', may: ['speak'], silenced: false, mutes: 0, presenting: false }, ...other,
  });

test('a shared screen is large in every layout, but not for whoever shares it', () => {
  for (const [expected, other] of /** @type {[unknown, object][]} */ ([
    [null, {}],
    [null, { speaker: 3 }],
    ['room', { layout: 'speaker' }],
    [3, { layout: 'speaker', speaker: 3 }],
    ['room', { layout: 'speaker', speaker: 9 }],
    ['screen', { screen: 3 }],
    ['screen', { screen: 3, layout: 'speaker', speaker: 4 }],
    [null, { screen: 9 }],
    [4, { screen: 9, layout: 'speaker', speaker: 4 }],
  ])) {
    assert.equal(large(view(other)), expected, JSON.stringify(other));
  }
});

test('what is different is said once, and nothing else', () => {
  const two = view({ people: [person(1), person(2)] });
  assert.deepEqual(news(null, two), [], 'who comes in is not told of everybody');
  assert.deepEqual(news(null, view({ waiting: [{ number: 5, name: 'W' }] })), [{ kind: 'waits', name: 'W' }]);
  assert.deepEqual(news(two, two), []);
  assert.deepEqual(news(two, view({ people: [person(2, { hand: true }), person(3, { presenting: true })] })), [
    { kind: 'hand', name: 'P2' },
    { kind: 'came', name: 'P3' },
    { kind: 'presents', name: 'P3' },
    { kind: 'left', name: 'P1' },
  ]);
  assert.deepEqual(news(two, { ...two, locked: true, waiting: [{ number: 5, name: 'W' }] }), [
    { kind: 'waits', name: 'W' },
    { kind: 'locked' },
  ]);
  assert.deepEqual(news(two, { ...two, you: { ...two.you, role: 'moderator', may: [] } }), [
    { kind: 'role', role: 'moderator' },
    { kind: 'may-not-speak' },
  ]);
});

test('initials of any name', () => {
  for (const [name, expected] of /** @type {[string, string][]} */ ([
    ['Erika Muster', 'EM'],
    ['ben', 'B'],
    ['Maria del Carmen Ruiz', 'MR'],
    ['çağla örnek-lang', 'ÇÖ'],
    ['(Gast) 7', 'G7'],
    ['漢 字', '漢字'],
    ['👩‍👩‍👧', ''],
    ['  ', ''],
  ])) {
    assert.equal(initials(name), expected, name);
  }
});
