/**
 * Who is in the meeting, as the page shows it; pure.
 *
 * @module
 */

/** @typedef {import('./room.js').RoomView} RoomView */
/** @typedef {import('./room.js').Person} Person */

/**
 * What is large: somebody's screen, a person, the room, or nobody. A shared screen is large in every layout.
 *
 * @param {Pick<RoomView, 'layout' | 'screen' | 'speaker'> & { you: { number: number } }} view
 * @returns {'screen' | 'room' | number | null}
 */
export function large({ layout, screen, speaker, you }) {
  // Who shares knows what is on their own screen, and would see it within itself.
  if (screen !== null && screen !== you.number) return 'screen';
  if (layout !== 'speaker') return null;
  // Nobody looks at themselves while they speak.
  return speaker === null || speaker === you.number ? 'room' : speaker;
}

/**
 * The initials that stand where there is no picture: of the first and the last word of a name.
 *
 * @param {string} name
 */
export function initials(name) {
  const words = name.split(/\s+/).filter((word) => /\p{L}|\p{N}/u.test(word));
  const chosen = words.length > 1 ? [words[0], words.at(-1)] : words;
  return chosen.map((word) => (word ?? '').match(/[\p{L}\p{N}]\p{M}*/u)?.[0].toLocaleUpperCase() ?? '').join('');
}

/**
 * @typedef {{ kind: 'came' | 'left' | 'hand' | 'presents', name: string } | { kind: 'waits', name: string }
 *   | { kind: 'locked' | 'unlocked' | 'may-speak' | 'may-not-speak' }
 *   | { kind: 'role', role: import('./room.js').Role }} News
 */

/**
 * What is worth saying to those who do not see the stage: what is different in `after`.
 *
 * @param {RoomView | null} before
 * @param {RoomView} after
 * @returns {News[]}
 */
export function news(before, after) {
  if (!before) return after.waiting.map(({ name }) => ({ kind: 'waits', name }));
  /** @type {News[]} */
  const found = [];
  const were = new Map(before.people.map((person) => [person.number, person]));
  for (const person of after.people) {
    const was = were.get(person.number);
    were.delete(person.number);
    if (!was) found.push({ kind: 'came', name: person.name });
    if (person.hand && !was?.hand) found.push({ kind: 'hand', name: person.name });
    if (person.presenting && !was?.presenting) found.push({ kind: 'presents', name: person.name });
  }
  for (const { name } of were.values()) found.push({ kind: 'left', name });
  const waited = new Set(before.waiting.map(({ number }) => number));
  for (const { number, name } of after.waiting) if (!waited.has(number)) found.push({ kind: 'waits', name });
  if (before.locked !== after.locked) found.push({ kind: after.locked ? 'locked' : 'unlocked' });
  if (before.you.role !== after.you.role) found.push({ kind: 'role', role: after.you.role });
  const spoke = before.you.may.includes('speak');
  const speaks = after.you.may.includes('speak');
  if (spoke !== speaks) found.push({ kind: speaks ? 'may-speak' : 'may-not-speak' });
  return found;
}
