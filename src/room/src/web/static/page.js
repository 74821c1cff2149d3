/**
 * The elements of the page, typed.
 *
 * @module
 */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`#${id} is not on the page`);
  return found;
}

/**
 * An icon and a word, as buttons and facts have them. The same words are written once: screen readers would repeat them.
 *
 * @param {HTMLElement} parent
 * @param {string} icon
 * @param {string} words
 */
export function label(parent, icon, words) {
  const picture = parent.querySelector('.icon');
  const place = parent.querySelector('.words');
  if (picture instanceof HTMLElement) picture.dataset['icon'] = icon;
  if (place && place.textContent !== words) place.textContent = words;
}

/**
 * @param {HTMLElement} place
 * @param {string} words
 */
export function write(place, words) {
  if (place.textContent !== words) place.textContent = words;
}

/**
 * Says something to those who listen to the page.
 *
 * @param {string} words
 */
export function announce(words) {
  const news = element('news', HTMLElement);
  news.textContent = '';
  // A change in two steps, so that the same words are heard again.
  setTimeout(() => {
    news.textContent = words;
  }, 50);
}

/**
 * A fingerprint in lines of eight pairs, as people compare it.
 *
 * @param {HTMLElement} place
 * @param {string} pairs With colons.
 */
export function writeFingerprint(place, pairs) {
  const lines = pairs.match(/(?:[0-9A-F]{2}:?){1,8}/gi) ?? [pairs];
  const shown = lines.map((line) => {
    const piece = document.createElement('span');
    piece.textContent = line;
    return piece;
  });
  if (place.textContent !== pairs) place.replaceChildren(...shown);
}
