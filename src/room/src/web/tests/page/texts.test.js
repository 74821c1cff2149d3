import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { spoken, text } from '../../static/texts.js';

const read = (/** @type {string} */ name) => readFileSync(new URL(`../../static/${name}`, import.meta.url), 'utf8');
const source = read('texts.js') + read('texts-meeting.js');
const keys = [...source.matchAll(/^ {2}'?([a-z-]+)'?:/gm)].map((match) => String(match[1]));

test('no text is empty, and both languages have the same gaps', () => {
  assert.ok(keys.length > 500);
  for (const key of new Set(keys)) {
    const [german, english] = ['de', 'en'].map((language) => text(/** @type {any} */ (language), /** @type {any} */ (key)));
    assert.ok(german && english, key);
    const gaps = (/** @type {string} */ words) => [...words.matchAll(/\{\w+\}/g)].map(String).sort();
    assert.deepEqual(gaps(german), gaps(english), key);
  }
});

test('p8 no word about encryption is stronger than the truth', () => {
  for (const key of ['encryption-device-not-checked', 'encryption-device-not-checked-text', 'encryption-none-text']) {
    for (const language of ['de', 'en']) {
      assert.doesNotMatch(text(/** @type {any} */ (language), /** @type {any} */ (key)), /end-to-end|ende-zu-ende/i);
    }
  }
});

test('gaps are filled, and the first language that is spoken wins', () => {
  assert.equal(text('en', 'refused-pin', { seconds: 4 }), 'This is not the PIN. Next try in 4 s.');
  assert.equal(spoken(['', 'fr-FR', 'de-AT', 'en']), 'de');
  assert.equal(spoken(['EN-gb', 'de']), 'en');
  assert.equal(spoken(['fr', 'nl']), 'en');
});
