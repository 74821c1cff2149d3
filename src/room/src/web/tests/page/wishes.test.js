import assert from 'node:assert/strict';
import { test } from 'node:test';

import { text } from '../../static/texts.js';
import { Reporter, guestWish, phoneWish, reason } from '../../static/wishes.js';

const STATE = { microphone: true, camera: true, hand: false, mutes: 0 };

test('a refusal is one of those that there are words for', async () => {
  for (const [status, expected] of /** @type {[number, unknown][]} */ ([
    [204, null],
    [401, 'unknown'],
    [403, 'not-allowed'],
    [404, 'gone'],
    [409, 'taken'],
    [422, 'unusable'],
    [503, 'unanswered'],
  ])) {
    /** @type {string[]} */
    const asked = [];
    globalThis.fetch = /** @type {any} */ (
      async (/** @type {string} */ path, /** @type {RequestInit} */ options) => {
        asked.push(`${path} ${options.body}`);
        return new Response(null, { status });
      }
    );
    assert.equal(await guestWish({ wish: 'admit', guest: 7 }), expected);
    assert.equal(await phoneWish({ wish: 'volume', percent: 40 }), expected);
    assert.deepEqual(asked, ['/api/wish {"wish":"admit","guest":7}', '/api/remote/wish {"wish":"volume","percent":40}']);
  }
  globalThis.fetch = /** @type {any} */ (async () => Promise.reject(new Error('offline')));
  assert.equal(await guestWish({ wish: 'end' }), 'unanswered');
});

test('each reason has words, and a full room is not a taken screen', () => {
  for (const refusal of /** @type {const} */ (['not-allowed', 'gone', 'taken', 'unusable', 'unknown', 'unanswered'])) {
    assert.ok(text('de', reason({ wish: 'present', on: true }, refusal)), refusal);
  }
  assert.equal(reason({ wish: 'present', on: true }, 'taken'), 'wish-taken');
  assert.equal(reason({ wish: 'admit-all' }, 'taken'), 'wish-full');
  assert.equal(reason({ wish: 'admit', guest: 3 }, 'taken'), 'wish-full');
});

/** @param {(null | 'unanswered' | 'not-allowed')[]} answers The last one repeats. */
function reporting(answers) {
  /** @type {object[]} */
  const told = [];
  const reporter = new Reporter(
    async (state) => {
      told.push(state);
      return (answers.length > 1 ? answers.shift() : answers[0]) ?? null;
    },
    () => Promise.resolve(),
  );
  return { told, reporter };
}

test('the room hears each state once, and the newest of several', async () => {
  const { told, reporter } = reporting([null]);
  const first = reporter.is(STATE);
  void reporter.is({ ...STATE, hand: true });
  void reporter.is({ ...STATE, microphone: false });
  await first;
  await reporter.is({ ...STATE, microphone: false });
  assert.deepEqual(told, [STATE, { ...STATE, microphone: false }]);
});

test('a room that does not answer is asked again, one that refuses is not', async () => {
  const quiet = reporting(['unanswered', 'unanswered', null]);
  await quiet.reporter.is(STATE);
  assert.equal(quiet.told.length, 3);
  const strict = reporting(['not-allowed']);
  await strict.reporter.is(STATE);
  await strict.reporter.is(STATE);
  assert.equal(strict.told.length, 1);
  strict.reporter.again();
  assert.equal(strict.told.length, 2, 'after a reconnection it is told again');
});
