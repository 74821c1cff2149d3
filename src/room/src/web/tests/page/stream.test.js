import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

globalThis.window = /** @type {any} */ (new EventTarget());
globalThis.document = /** @type {any} */ (Object.assign(new EventTarget(), { visibilityState: 'visible' }));
const { Stream } = await import('../../static/stream.js');

const BROKEN = () => new Response('', { status: 503 });
const STRANGER = () => new Response('', { status: 401 });
const WAITING = () => new Response('data: {"event":"waiting"}\n\n');

/** @param {(() => Response)[]} answers One for each try; the last one repeats. */
function streaming(answers) {
  /** @type {string[]} */
  const heard = [];
  let tries = 0;
  globalThis.fetch = /** @type {any} */ (
    async () => {
      heard.push('try');
      const answer = answers[Math.min(tries, answers.length - 1)];
      tries += 1;
      return answer?.();
    }
  );
  const note = (/** @type {string} */ word) => () => heard.push(word);
  const stream = new Stream({
    opened: note('opened'),
    heard: (event) => heard.push(event.event),
    broken: note('broken'),
    lost: note('lost'),
    unknown: note('unknown'),
  });
  return { heard, stream };
}

/** Debian 12's node takes a list, later ones an object. */
function stopTheClock() {
  const apis = ['setTimeout'];
  mock.timers.enable(/** @type {any} */ (process.versions.node.startsWith('18.') ? apis : { apis }));
}

/** @param {number} milliseconds */
async function pass(milliseconds) {
  for (let at = 0; at < milliseconds; at += 50) {
    await new Promise((done) => setImmediate(done));
    await new Promise((done) => setImmediate(done));
    mock.timers.tick(50);
  }
  await new Promise((done) => setImmediate(done));
}

test('p10 a broken stream is opened again, later and later, until the room no longer knows the guest', async () => {
  stopTheClock();
  const { heard } = streaming([WAITING, BROKEN, BROKEN, WAITING, STRANGER]);
  await pass(3000);
  const tries = heard.join(' ');
  assert.equal(
    tries,
    'try opened waiting broken try broken try broken try opened waiting broken try unknown',
  );
  await pass(20_000);
  assert.equal(heard.join(' '), tries, 'a stranger does not try again');
  mock.timers.reset();
});

test('p10 a stream that stays broken is lost, and is still tried', async () => {
  stopTheClock();
  const { heard, stream } = streaming([WAITING, BROKEN]);
  await pass(4500);
  assert.ok(!heard.includes('lost'));
  await pass(1500);
  assert.equal(heard.filter((word) => word === 'lost').length, 1);
  const before = heard.length;
  await pass(30_000);
  const later = heard.slice(before).filter((word) => word === 'try').length;
  assert.ok(later >= 3 && later <= 6, `${later} tries in 30 s`);
  window.dispatchEvent(new Event('online'));
  const tries = heard.filter((word) => word === 'try').length;
  await pass(100);
  assert.equal(heard.filter((word) => word === 'try').length, tries + 1, 'the network is back: tried at once');
  stream.close();
  mock.timers.reset();
});

test('a closed stream says nothing more', async () => {
  stopTheClock();
  const { heard, stream } = streaming([WAITING]);
  await pass(100);
  stream.close();
  const before = heard.length;
  await pass(20_000);
  assert.equal(heard.length, before);
  mock.timers.reset();
});
