import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Reader, Typist } from '../../static/t140.js';

/** What a reader has in the end: complete lines, then the line as it stands. */
function readBy(/** @type {string[]} */ pieces) {
  const reader = new Reader();
  const lines = pieces.flatMap((piece) => reader.read(piece));
  return [...lines, reader.line];
}

test('letters, erasing and new lines arrive as they were typed', () => {
  for (const [expected, ...pieces] of /** @type {[string[], ...string[]][]} */ ([
    [['Hello'], 'Hel', 'lo'],
    [['Hell!'], 'Hello', '\b!'],
    [['one', 'two'], 'one\u2028two'],
    [['one', 'two'], 'one\r\ntwo'],
    [['one', 'two'], 'one\r', '\ntwo'],
    [['one', 'two'], 'one\n', '\ntwo'],
    [['one', 'two'], 'one\u2028', '\b\b\btwo'],
    [['ab'], '\b\b\bab'],
    [['e'], 'e', 'e\u0301\b'],
    [['cafe'], 'cafe', '\u0301', '\be'],
    [['a'], 'a👩‍👩‍👧', '\b'],
    [['ab'], '\uFEFFa\u0007\u001B[31mb\u009B0m\u0098for others\u009C'],
    [['abc'], 'a\u202Eb\u2066c'],
  ])) {
    assert.deepEqual(readBy(pieces), expected, JSON.stringify(pieces));
  }
});

test('a line without an end is cut, and what was lost is marked once', () => {
  const lines = readBy(['x'.repeat(2500)]);
  assert.deepEqual(lines.map((line) => line.length), [1000, 1000, 500]);
  const reader = new Reader();
  reader.lost();
  assert.equal(reader.line, '', 'nothing was begun: nothing is missing');
  reader.read('Hel');
  reader.lost();
  reader.lost();
  assert.equal(reader.line, 'Hel\uFFFD');
});

test('whatever is edited, the others have the field in the end', () => {
  const typist = new Typist();
  const reader = new Reader();
  let now = 0;
  const arrives = () => {
    for (; typist.waits; now += 300) reader.read(typist.take(now));
    return reader.line;
  };
  for (const field of ['H', 'Hallo', 'Hello', 'Hello wrld', 'Hello world', 'ello world', '', 'e', 'é', 'e\u0301a', 'a👩‍👧b', 'ab', 'two\nlines']) {
    typist.edited(field);
    assert.equal(arrives(), field.replace('\n', ' '), field);
  }
  let seed = 7;
  const random = (/** @type {number} */ below) => (seed = (seed * 48271) % 2147483647) % below;
  const letters = ['a', 'b', ' ', 'é', 'e\u0301', '👍🏽', 'ß', '漢'];
  /** @type {string[]} */
  let field = [];
  for (let step = 0; step < 400; step += 1) {
    const at = random(field.length + 1);
    field = [...field.slice(0, at), ...(random(3) === 0 ? [] : [letters[random(letters.length)] ?? '']), ...field.slice(at + random(2))].slice(0, 30);
    typist.edited(field.join(''));
    if (random(3) === 0) assert.equal(arrives(), field.join(''));
  }
});

test('not more than 30 characters a second leave over ten seconds, however much is pasted', () => {
  const typist = new Typist();
  typist.edited('x'.repeat(1000));
  let sent = 0;
  for (let now = 0; now < 9_900; now += 300) sent += typist.take(now).length;
  assert.equal(sent, 300);
  assert.ok(typist.waits);
  for (let now = 9_900; now < 40_000; now += 300) sent += typist.take(now).length;
  assert.equal(sent, 1000);
});

test('a line that is given up is ended for the others, and an empty one says nothing', () => {
  const typist = new Typist();
  typist.finished();
  assert.equal(typist.take(0), '');
  typist.edited('Hel');
  assert.equal(typist.take(0), 'Hel');
  typist.edited('Hello');
  typist.dropped();
  assert.equal(typist.take(300), '\u2028');
  typist.edited('x');
  assert.equal(typist.take(600), 'x', 'the next line begins anew');
});
