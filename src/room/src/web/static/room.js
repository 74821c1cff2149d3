/**
 * What the page and the room say to each other: `POST` and a stream of server-sent events. Safari refuses WebSockets
 * to a certificate that was clicked through, and an `EventSource` hides both the status and the keep-alive comments,
 * so the stream is read with `fetch`.
 *
 * @module
 */

/** @typedef {import('./flow.js').End} End */

/** @typedef {{ sections: { title: string, text: string }[], room: string }} Notice */

/**
 * @typedef {{ refusal: 'asleep' | 'name' | 'full' | 'gone' | 'locked' | 'unanswered' }
 *   | { refusal: 'wrong-secret' | 'too-early', retry_after_ms: number }} Refusal
 */

/** @typedef {{ video: string, audio: string, text: string }} SlotLines One person's: `mid`s, and the label of a channel. */

/**
 * @typedef {object} Lines The `mid` of each line, and the labels of the channels.
 * @property {string} room-video
 * @property {string} room-audio
 * @property {string} guest-video
 * @property {string} guest-audio
 * @property {string} guest-screen
 * @property {string} screen
 * @property {SlotLines[]} slots
 * @property {string} chat
 * @property {string} text
 */

/** @typedef {'none' | 'end-to-end' | 'device-not-checked'} Encryption */
/**
 * What becomes of what stands behind the people in the room.
 *
 * @typedef {'unknown' | 'as-it-is' | 'hidden' | 'revealed' | 'starting' | 'late' | 'doubtful' | 'failed' | 'model-missing'
 *   | 'model-damaged'} Background
 */
/** @typedef {'guest' | 'presenter' | 'moderator'} Role */
/** @typedef {'grid' | 'speaker'} Layout */

/**
 * What somebody may do.
 *
 * @typedef {'speak' | 'show' | 'present' | 'chat' | 'text' | 'admit' | 'message' | 'lock' | 'mute' | 'remove' | 'arrange'
 *   | 'assign' | 'end' | 'attend'} Capability
 */

/**
 * @typedef {object} Person Somebody else who is in.
 * @property {number} number
 * @property {string} name
 * @property {Role} role
 * @property {number} slot
 * @property {boolean} microphone
 * @property {boolean} camera
 * @property {boolean} silenced A moderator has closed the microphone.
 * @property {boolean} hand
 * @property {boolean} presenting
 * @property {boolean} connected
 */

/** @typedef {{ number: number, role: Role, may: Capability[], silenced: boolean, mutes: number, presenting: boolean }} You */
/** @typedef {{ number: number, name: string }} Waiting */

/**
 * @typedef {object} RoomView
 * @property {string} room
 * @property {boolean} camera-live
 * @property {boolean} microphone-live
 * @property {Encryption} encryption
 * @property {Background} background
 * @property {boolean} background-hidden
 * @property {boolean} recording
 * @property {number} guests
 * @property {boolean} locked
 * @property {Layout} layout
 * @property {number | null} screen Who shares theirs.
 * @property {number | null} speaker
 * @property {You} you
 * @property {Person[]} people Everybody else, as they came.
 * @property {Waiting[]} waiting Only for those who may admit.
 */

/**
 * @typedef {{ event: 'admitted' | 'connected' | 'reconnecting' | 'muted' }
 *   | { event: 'waiting', message: string | null }
 *   | { event: 'offer', link: number, sdp: string, lines: Lines }
 *   | ({ event: 'room' } & RoomView)
 *   | { event: 'picture', mid: string, paused: boolean }
 *   | { event: 'present', on: boolean }
 *   | { event: 'ended', reason: End }} GuestEvent
 */

/** @typedef {{ secret: { pin: string } | { token: string }, name: string, lang: string, h264: boolean }} Knock */

/** Comments come every 15 s; after this long without a byte the room is gone, whatever the network says. */
const SILENCE = 40_000;

/**
 * @param {string} path
 * @param {object} body
 */
export function post(path, body) {
  // `mode` stays as it is: with `same-origin` a browser sends `Origin: null` under our referrer policy.
  return fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    keepalive: true,
  });
}

/**
 * Asks to be let in. `null`: the room has taken the knock.
 *
 * @param {Knock} knock
 * @returns {Promise<Refusal | null>}
 */
export async function knock({ secret, ...rest }) {
  try {
    const response = await post('/api/knock', { ...secret, ...rest });
    if (response.ok) return null;
    return response.status === 403 || response.status === 429 ? await response.json() : { refusal: 'unanswered' };
  } catch {
    return { refusal: 'unanswered' };
  }
}

/**
 * @param {number} link
 * @param {string} sdp
 */
export async function answer(link, sdp) {
  const response = await post('/api/answer', { link, sdp });
  if (!response.ok) throw new Error(`answer refused: ${response.status}`);
}

export async function leave() {
  try {
    await post('/api/leave', {});
  } catch {
    // The room notices by itself.
  }
}

/**
 * @param {string} language
 * @returns {Promise<Notice>}
 */
export async function notice(language) {
  const response = await fetch(`/api/notice?lang=${language}`);
  if (!response.ok) throw new Error(`no notice: ${response.status}`);
  return response.json();
}

/** @returns {Promise<string>} */
export async function fingerprint() {
  const response = await fetch('/api/status');
  if (!response.ok) throw new Error(`no status: ${response.status}`);
  return (await response.json()).fingerprint;
}

/**
 * Reads an event stream until it ends. `unknown`: the room does not know this browser (any more).
 *
 * @template Heard
 * @param {AbortSignal} stop
 * @param {() => void} opened
 * @param {(event: Heard) => void} heard
 * @param {string} path
 * @returns {Promise<'unknown' | 'broken'>}
 */
export async function listen(stop, opened, heard, path) {
  const silence = new AbortController();
  const stopped = () => silence.abort();
  stop.addEventListener('abort', stopped);
  let timer = setTimeout(stopped, SILENCE);
  try {
    const response = await fetch(path, {
      headers: { accept: 'text/event-stream' },
      signal: silence.signal,
      cache: 'no-store',
    });
    if (response.status === 401) return 'unknown';
    if (!response.ok || !response.body) return 'broken';
    opened();
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const push = events((data) => heard(JSON.parse(data)));
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 'broken';
      clearTimeout(timer);
      timer = setTimeout(stopped, SILENCE);
      push(decoder.decode(value, { stream: true }));
    }
  } catch {
    return 'broken';
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', stopped);
  }
}

/**
 * Cuts a stream of text into events (HTML standard, section 9.2.6): hands out the data of each.
 *
 * @param {(data: string) => void} heard
 * @returns {(piece: string) => void}
 */
export function events(heard) {
  let rest = '';
  /** @type {string[]} */
  let data = [];
  return (piece) => {
    // A carriage return at the end may be half of a line's end.
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) heard(data.join('\n'));
        data = [];
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
      }
    }
  };
}
