import assert from 'node:assert/strict';
import { test } from 'node:test';

import { events, knock, listen } from '../../static/room.js';

test('an event stream survives any cutting', () => {
  const text = ': alive\n\ndata: {"a":1}\n\ndata: first\ndata: second\r\n\r\n\nid: 7\ndata:third\r\rdata: never finished';
  for (let cut = 1; cut < 20; cut += 1) {
    /** @type {string[]} */
    const heard = [];
    const push = events((data) => heard.push(data));
    for (let at = 0; at < text.length; at += cut) push(text.slice(at, at + cut));
    assert.deepEqual(heard, ['{"a":1}', 'first\nsecond', 'third'], `pieces of ${cut}`);
  }
});

/** @param {Response | Error} answer */
function answering(answer) {
  /** @type {{ path: string, options: RequestInit }[]} */
  const asked = [];
  globalThis.fetch = /** @type {typeof fetch} */ (
    async (path, options) => {
      asked.push({ path: String(path), options: options ?? {} });
      if (answer instanceof Error) throw answer;
      return answer;
    }
  );
  return asked;
}

const KNOCK = { secret: { pin: '123456' }, name: 'Guest A', lang: 'en', h264: true };

test('a knock is sent as JSON and says why it was refused', async () => {
  const asked = answering(new Response('{"admitted":false}'));
  assert.equal(await knock(KNOCK), null);
  assert.deepEqual(JSON.parse(String(asked[0]?.options.body)), { pin: '123456', name: 'Guest A', lang: 'en', h264: true });
  assert.equal(asked[0]?.path, '/api/knock');
  assert.equal(asked[0]?.options.mode, undefined, 'another mode makes browsers send `Origin: null`');
  answering(new Response('{"refusal":"asleep"}', { status: 403 }));
  assert.deepEqual(await knock(KNOCK), { refusal: 'asleep' });
  answering(new Response('x', { status: 503 }));
  assert.deepEqual(await knock(KNOCK), { refusal: 'unanswered' });
  answering(new Error('offline'));
  assert.deepEqual(await knock(KNOCK), { refusal: 'unanswered' });
});

test('listening tells a stranger from a broken connection', async () => {
  const stop = new AbortController().signal;
  const nothing = () => {};
  answering(new Response('', { status: 401 }));
  assert.equal(await listen(stop, nothing, nothing), 'unknown');
  answering(new Response('', { status: 503 }));
  assert.equal(await listen(stop, nothing, nothing), 'broken');
  answering(new Error('offline'));
  assert.equal(await listen(stop, nothing, nothing), 'broken');
  /** @type {unknown[]} */
  const heard = [];
  answering(new Response('data: {"event":"waiting"}\n\n'));
  const outcome = await listen(stop, () => heard.push('open'), (event) => heard.push(event.event));
  assert.deepEqual([outcome, heard], ['broken', ['open', 'waiting']]);
});
