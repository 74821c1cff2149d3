/**
 * The language of the page, and putting words into it.
 *
 * `?lang=de` or `?lang=en` wins, then the browser's languages. Switching it changes the words in place: a call goes on.
 *
 * @module
 */

import { spoken, text } from './texts.js';

/** @typedef {import('./texts.js').Key} Key */
/** @typedef {import('./texts.js').Language} Language */

/** @type {Language} */
let language = spoken([new URLSearchParams(location.search).get('lang') ?? '', ...navigator.languages]);

/** @type {Set<() => void>} */
const listeners = new Set();

/** @returns {Language} */
export function current() {
  return language;
}

/**
 * @param {Key} key
 * @param {Readonly<Record<string, string | number>>} [values]
 */
export function say(key, values) {
  return text(language, key, values);
}

/**
 * Calls now and at each change of the language.
 *
 * @param {() => void} listener
 */
export function inEveryLanguage(listener) {
  listeners.add(listener);
  listener();
}

/** Fills `data-text` and `data-label` of the whole page, and makes the switch of languages work. */
export function translatePage() {
  const other = /** @type {HTMLAnchorElement} */ (document.getElementById('language'));
  other.addEventListener('click', (event) => {
    event.preventDefault();
    language = language === 'de' ? 'en' : 'de';
    const address = new URL(location.href);
    address.searchParams.set('lang', language);
    history.replaceState(null, '', address);
    for (const listener of listeners) listener();
  });
  inEveryLanguage(() => {
    document.documentElement.lang = language;
    for (const element of document.querySelectorAll('[data-text]')) {
      element.textContent = say(/** @type {Key} */ (element.getAttribute('data-text')));
    }
    for (const element of document.querySelectorAll('[data-label]')) {
      element.setAttribute('aria-label', say(/** @type {Key} */ (element.getAttribute('data-label'))));
    }
    const next = language === 'de' ? 'en' : 'de';
    other.textContent = say('other-language');
    other.lang = next;
    other.hreflang = next;
    other.href = `?lang=${next}`;
  });
}
