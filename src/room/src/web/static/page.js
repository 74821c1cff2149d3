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
  // A change in two steps, so that the same words are heard again; what comes in between is said with it.
  if (saying.push(words) > 1) return;
  setTimeout(() => {
    news.textContent = saying.splice(0).join(' ');
  }, 50);
}

/** @type {string[]} */
const saying = [];

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

/**
 * Says something to everybody for a moment, over what is there.
 *
 * @param {string} words
 */
export function toast(words) {
  const place = element('toast', HTMLElement);
  clearTimeout(fading);
  place.textContent = '';
  setTimeout(() => {
    place.textContent = words;
  }, 50);
  fading = setTimeout(() => {
    place.textContent = '';
  }, 8000);
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let fading;

/**
 * A new element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {...Node} inside
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, className = '', ...inside) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...inside);
  return made;
}

/** A place for an icon and a word, for `label`. */
export function labelled() {
  const icon = make('span', 'icon');
  icon.ariaHidden = 'true';
  return [icon, make('span', 'words')];
}

/**
 * @param {() => void} act
 * @param {string} [className]
 * @param {...Node} inside
 */
export function button(act, className = '', ...inside) {
  const made = make('button', className, ...inside);
  made.type = 'button';
  made.addEventListener('click', () => {
    if (made.ariaDisabled !== 'true') act();
  });
  return made;
}

/**
 * Keeps the children of an element in step with a list: who stays keeps its element, and with it the focus.
 *
 * @template Item
 * @template {HTMLElement} Child
 * @param {HTMLElement} parent
 * @param {readonly Item[]} items
 * @param {(item: Item) => string | number} key
 * @param {(item: Item) => Child} create
 * @param {(child: Child, item: Item) => void} update
 */
export function keep(parent, items, key, create, update) {
  const there = new Map([...parent.children].map((child) => [/** @type {HTMLElement} */ (child).dataset['key'], /** @type {Child} */ (child)]));
  let next = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    const child = there.get(name) ?? create(item);
    there.delete(name);
    child.dataset['key'] = name;
    update(child, item);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  for (const gone of there.values()) gone.remove();
}
