/**
 * Where the guest is, as a plain state machine: no page, no network, no time. `main.js` feeds it and shows what it says.
 *
 * @module
 */

/** @typedef {'denied' | 'removed' | 'meeting-ended' | 'left' | 'elsewhere' | 'lost' | 'gone' | 'unsupported'} End */
/** What the page shows; `data-state` of the body. */
/** @typedef {'opening' | 'door' | 'waiting' | 'in' | 'reconnecting' | 'lost' | 'ended'} Shown */

/**
 * @typedef {object} Flow
 * @property {'opening' | 'door' | 'waiting' | 'in' | 'ended'} place
 * @property {'closed' | 'open' | 'broken' | 'lost'} stream The event stream; `lost`: broken for longer than a moment.
 * @property {'none' | 'connecting' | 'connected' | 'reconnecting'} media
 * @property {End | null} end Why it is over.
 */

/**
 * @typedef {{ kind: 'stream-open' | 'stream-broken' | 'stream-lost' | 'session-unknown' | 'knocked' }
 *   | { kind: 'waiting' | 'admitted' | 'offer' | 'connected' | 'reconnecting' | 'again' }
 *   | { kind: 'ended', reason: End }} FlowEvent
 */

/** @type {Readonly<Flow>} */
export const start = { place: 'opening', stream: 'closed', media: 'none', end: null };

/**
 * @param {Readonly<Flow>} flow
 * @param {Readonly<FlowEvent>} event
 * @returns {Readonly<Flow>}
 */
export function step(flow, event) {
  // After the end nothing that is still under way counts; only the person can begin again.
  if (flow.place === 'ended') return event.kind === 'again' ? { ...start, place: 'door' } : flow;
  switch (event.kind) {
    case 'stream-open':
      return { ...flow, stream: 'open' };
    case 'stream-broken':
      return flow.stream === 'lost' || flow.place === 'door' ? flow : { ...flow, stream: 'broken' };
    case 'stream-lost':
      // Whether this browser is a guest already cannot be told; the door is better than nothing.
      if (flow.place === 'opening') return { ...flow, place: 'door', stream: 'lost' };
      return flow.stream === 'broken' ? { ...flow, stream: 'lost' } : flow;
    case 'session-unknown':
      return flow.place === 'opening' || flow.place === 'door'
        ? { ...start, place: 'door' }
        : { ...start, place: 'ended', end: 'gone' };
    case 'knocked':
      return { ...start, place: 'waiting' };
    case 'waiting':
      return { ...flow, place: 'waiting', media: 'none' };
    case 'admitted':
      return { ...flow, place: 'in', media: flow.media === 'none' ? 'connecting' : flow.media };
    case 'offer':
      return flow.media === 'none' ? { ...flow, place: 'in', media: 'connecting' } : { ...flow, place: 'in' };
    case 'connected':
      return { ...flow, place: 'in', media: 'connected' };
    case 'reconnecting':
      return flow.media === 'connected' ? { ...flow, media: 'reconnecting' } : flow;
    case 'ended':
      return { ...start, place: 'ended', end: event.reason };
    case 'again':
      return flow;
  }
}

/**
 * @param {Readonly<Flow>} flow
 * @returns {Shown}
 */
export function shown(flow) {
  if (flow.place !== 'waiting' && flow.place !== 'in') return flow.place;
  if (flow.stream === 'lost') return 'lost';
  if (flow.stream === 'broken' || flow.media === 'reconnecting') return 'reconnecting';
  return flow.place;
}
