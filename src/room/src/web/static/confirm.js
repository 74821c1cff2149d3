/**
 * A question before something that cannot be taken back.
 *
 * @module
 */

import { element, write } from './page.js';
import { say } from './words.js';

/** @typedef {import('./words.js').Key} Key */

/**
 * @param {{ title: Key, text: Key, yes: Key, values?: Readonly<Record<string, string>> }} question
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, yes, values = {} }) {
  const dialog = element('confirm-dialog', HTMLDialogElement);
  write(element('confirm-title', HTMLElement), say(title, values));
  write(element('confirm-text', HTMLElement), say(text, values));
  write(element('confirm-yes', HTMLElement), say(yes, values));
  dialog.returnValue = '';
  if (!dialog.open) dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener('close', () => done(dialog.returnValue === 'yes'), { once: true });
  });
}
