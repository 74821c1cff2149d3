/**
 * Real-time text as ITU-T T.140 has it, in both directions; pure: no page, no channel, no clock. A data channel carries
 * it (RFC 8865).
 *
 * What a person types is a field that they edit anywhere; T.140 knows adding at the end and BACKSPACE. So an edit in
 * the middle is said as erasing back to it and typing the rest again. One BACKSPACE erases what a person sees as one
 * character, whatever it is made of.
 *
 * @module
 */

const BACKSPACE = '\u0008';
const NEW_LINE = '\u2028';
/** T.140's word for text that was lost on the way. */
const LOST = '\uFFFD';

/** Text is collected for this long before it is sent, in milliseconds (RFC 4103, section 5.1). */
export const INTERVAL = 300;
/** So many characters in ten seconds are sent at most: 30 a second on average (`cps`, RFC 8865, section 4.2.1). */
const MOST = 300;
const WINDOW = 10_000;
/** A line is cut at this length. */
const LONGEST = 1000;

const segmenter = 'Segmenter' in Intl ? new Intl.Segmenter() : null;

/**
 * What a person sees as characters.
 *
 * @param {string} text
 * @returns {string[]}
 */
export function characters(text) {
  return segmenter ? Array.from(segmenter.segment(text), ({ segment }) => segment) : [...text];
}

/** What a person types, on its way out. */
export class Typist {
  /** @type {string[]} What the others see of the line, once all that waits has been sent. */
  #said = [];
  #waits = '';
  /** @type {{ at: number, count: number }[]} */
  #sent = [];

  /**
   * The field holds this now.
   *
   * @param {string} field
   */
  edited(field) {
    const now = characters(field.replace(/[\r\n\u2028\u2029]+/g, ' '));
    let same = 0;
    while (same < now.length && now[same] === this.#said[same]) same += 1;
    this.#waits += BACKSPACE.repeat(this.#said.length - same) + now.slice(same).join('');
    this.#said = now;
  }

  /** The line is complete. */
  finished() {
    if (this.#said.length > 0) this.#waits += NEW_LINE;
    this.#said = [];
  }

  /** Nothing of this is wanted any more: what waits is dropped, and a line that was begun is ended for the others. */
  dropped() {
    this.#waits = '';
    this.finished();
  }

  /**
   * What may be sent at this moment; empty: nothing.
   *
   * @param {number} now In milliseconds.
   * @returns {string}
   */
  take(now) {
    this.#sent = this.#sent.filter(({ at }) => now - at < WINDOW);
    const free = MOST - this.#sent.reduce((sum, { count }) => sum + count, 0);
    const all = [...this.#waits];
    const piece = all.slice(0, Math.max(0, free));
    this.#waits = all.slice(piece.length).join('');
    if (piece.length > 0) this.#sent.push({ at: now, count: piece.length });
    return piece.join('');
  }

  /** Something waits to be sent. */
  get waits() {
    return this.#waits !== '';
  }
}

/** What somebody else types, as it comes in. */
export class Reader {
  /** @type {string[]} */
  #line = [];
  /** A carriage return was the last character: a line feed after it is no second line. */
  #returned = false;

  /** The line as it stands. */
  get line() {
    return this.#line.join('');
  }

  /**
   * @param {string} text
   * @returns {string[]} Lines that it has completed. They stay as they are: they have been read out.
   */
  read(text) {
    /** @type {string[]} */
    const complete = [];
    const end = () => {
      if (this.#line.length > 0) complete.push(this.line);
      this.#line = [];
    };
    // Colours and the like (ISO 6429), strings that are meant for other programs, and the call for attention.
    const plain = text.replace(/(?:\u001B\[|\u009B)[0-9;]*[ -/]*[@-~]|\u0098[^\u009C]*\u009C|\u001Ba/g, '');
    for (const character of characters(plain)) {
      const returned = this.#returned;
      this.#returned = character === '\r';
      if (character === BACKSPACE) {
        this.#line.pop();
      } else if (character === '\n' && returned) {
        // The second half of a line's end.
      } else if (/^[\r\n\u2028\u2029]+$/.test(character)) {
        end();
      } else if (!/^[\p{Cc}\uFEFF\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]+$/u.test(character)) {
        this.#line.push(character);
        // What came in pieces may be one character with what was before it.
        if (!/^[ -~]$/.test(character)) this.#line = characters(this.line);
        if (this.#line.length >= LONGEST) end();
      }
    }
    return complete;
  }

  /** The channel broke: what was typed meanwhile is not known. */
  lost() {
    if (this.#line.length > 0 && this.#line.at(-1) !== LOST) this.#line.push(LOST);
  }
}
