import assert from 'node:assert/strict';
import { test } from 'node:test';

import { camera } from '../../static/senders.js';
import { Share } from '../../static/share.js';

class Track extends EventTarget {
  readyState = 'live';
  contentHint = '';
  stop() {
    this.readyState = 'ended';
  }
  /** The browser's own bar. */
  end() {
    this.readyState = 'ended';
    this.dispatchEvent(new Event('ended'));
  }
}

/**
 * @param {(track: Track, share: Share) => import('../../static/wishes.js').WishRefusal | null} room What the room answers.
 * @param {boolean} [willing] The person chooses a screen.
 */
function sharing(room, willing = true) {
  const track = new Track();
  /** @type {string[]} */
  const told = [];
  const mediaDevices = {
    getDisplayMedia: async () => {
      if (!willing) throw new Error('NotAllowedError');
      return { getVideoTracks: () => [track] };
    },
  };
  Object.defineProperty(globalThis, 'navigator', { value: { mediaDevices }, configurable: true });
  const share = new Share(async (on) => {
    told.push(`present ${on}`);
    return on ? room(track, share) : null;
  });
  share.addEventListener('change', () => told.push(share.track ? 'sends' : 'sends nothing'));
  return { share, track, told };
}

test('nothing of a screen is sent before the room has said yes', async () => {
  const { share, track, told } = sharing((_, share) => {
    assert.equal(share.track, null);
    return null;
  });
  assert.equal(await share.begin(), null);
  assert.deepEqual(told, ['sends nothing', 'present true', 'sends']);
  assert.equal(share.track, /** @type {unknown} */ (track));
  assert.equal(track.contentHint, 'detail');
  await share.end();
  assert.deepEqual([track.readyState, ...told.slice(3)], ['ended', 'sends nothing', 'present false']);
});

test('a room that does not want it has it closed at once', async () => {
  const { share, track, told } = sharing(() => 'taken');
  assert.equal(await share.begin(), 'taken');
  assert.deepEqual([share.track, track.readyState], [null, 'ended']);
  assert.ok(!told.includes('sends') && !told.includes('present false'), told.join());
});

test('the browser’s own bar ends it, also while the room is asked', async () => {
  const later = sharing(() => null);
  await later.share.begin();
  later.track.end();
  await new Promise((done) => setImmediate(done));
  assert.equal(later.share.track, null);
  assert.equal(later.told.at(-1), 'present false');
  const meanwhile = sharing((track) => {
    track.end();
    return null;
  });
  await meanwhile.share.begin();
  assert.equal(meanwhile.share.track, null);
  assert.ok(meanwhile.told.includes('present false'), 'nobody is said to share what nobody sees');
});

test('whoever thinks better of it asks nobody, and the room’s end is not answered', async () => {
  const { share, told } = sharing(() => null, false);
  assert.equal(await share.begin(), null);
  assert.ok(!told.some((word) => word.startsWith('present')), told.join());
  const ended = sharing(() => null);
  await ended.share.begin();
  assert.equal(ended.share.stop(), true);
  assert.equal(ended.share.stop(), false);
  assert.ok(!ended.told.includes('present false'));
});

test('the more see a picture, the less it takes, and a small camera is not made smaller', () => {
  let last = camera(0, 720);
  for (let others = 1; others < 9; others += 1) {
    const now = camera(others, 720);
    assert.ok(now.maxBitrate <= last.maxBitrate && now.scaleResolutionDownBy >= last.scaleResolutionDownBy);
    assert.ok(now.maxFramerate >= 20, 'size before rate');
    assert.equal(camera(others, 360).scaleResolutionDownBy, 1);
    last = now;
  }
});
