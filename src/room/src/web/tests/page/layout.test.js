import assert from 'node:assert/strict';
import { test } from 'node:test';

import { place } from '../../static/layout.js';

const STAGES = [[1200, 630], [366, 560], [830, 630], [320, 200], [700, 300], [240, 160]];

test('every picture is on the stage, none over another, none flat or narrow', () => {
  for (const [width = 0, height = 0] of STAGES) {
    for (const arrangement of /** @type {const} */ (['grid', 'large'])) {
      for (let count = 1; count <= 12; count += 1) {
        const boxes = place(arrangement, count, width, height);
        const where = `${arrangement} ${count} in ${width} × ${height}`;
        assert.equal(boxes.length, count, where);
        boxes.forEach((a, index) => {
          assert.ok(a.left >= -0.01 && a.top >= -0.01 && a.left + a.width <= width + 0.01 && a.top + a.height <= height + 0.01, `${where}: ${JSON.stringify(a)}`);
          for (const b of boxes.slice(index + 1)) {
            const apart = a.left + a.width <= b.left + 0.01 || b.left + b.width <= a.left + 0.01 || a.top + a.height <= b.top + 0.01 || b.top + b.height <= a.top + 0.01;
            assert.ok(apart, `${where}: ${JSON.stringify([a, b])}`);
          }
          if (arrangement === 'grid' && width > 300) {
            assert.ok(a.width > 40 && a.width / a.height >= 0.99 && a.width / a.height <= 1.78, `${where}: ${JSON.stringify(a)}`);
          }
        });
      }
    }
  }
});

test('what is large has more than half of the stage where there is room', () => {
  for (const [width, height] of /** @type {[number, number][]} */ ([[1200, 630], [366, 560], [830, 630]])) {
    for (let count = 2; count <= 9; count += 1) {
      const [first] = place('large', count, width, height);
      assert.ok(first && first.width * first.height > 0.5 * width * height, `${count} in ${width} × ${height}`);
    }
  }
});

test('alone with the room, one’s own picture lies in its corner', () => {
  const [room, own] = place('alone', 2, 366, 560);
  assert.deepEqual(room, { left: 0, top: 0, width: 366, height: 560 });
  assert.ok(own && own.width < 130 && own.left + own.width < 366 && own.top + own.height < 560);
  assert.deepEqual(place('grid', 0, 100, 100), []);
});
