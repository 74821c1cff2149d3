/**
 * How much of the network a guest's pictures take. The room forwards them as they are, so each of them counts as often
 * as there are people to see it.
 *
 * @module
 */

/** @typedef {{ maxBitrate: number, scaleResolutionDownBy: number, maxFramerate: number }} Bound Bit/s, factor, frames/s. */

/** A shared screen: letters, which stand still. */
export const SCREEN = { maxBitrate: 1_500_000, scaleResolutionDownBy: 1, maxFramerate: 15 };

/**
 * What one's own picture may be, by how many others are there to see it, the room not counted.
 *
 * @param {number} others
 * @param {number} height Of the camera's picture, in pixels.
 * @returns {Bound}
 */
export function camera(others, height) {
  const down = (/** @type {number} */ to) => Math.max(1, height / to);
  if (others === 0) return { maxBitrate: 1_500_000, scaleResolutionDownBy: down(720), maxFramerate: 30 };
  if (others === 1) return { maxBitrate: 1_000_000, scaleResolutionDownBy: down(720), maxFramerate: 30 };
  if (others <= 3) return { maxBitrate: 600_000, scaleResolutionDownBy: down(360), maxFramerate: 30 };
  return { maxBitrate: 350_000, scaleResolutionDownBy: down(360), maxFramerate: 24 };
}

/**
 * @param {RTCRtpSender | undefined} sender
 * @param {Bound} bound
 * @param {RTCDegradationPreference} preference What goes first where there is too little.
 */
export async function bind(sender, bound, preference) {
  if (!sender) return;
  try {
    const parameters = sender.getParameters();
    const [encoding] = parameters.encodings;
    // Not negotiated yet.
    if (!encoding) return;
    Object.assign(encoding, bound);
    await sender.setParameters({ ...parameters, degradationPreference: preference });
  } catch {
    // Closed meanwhile; or a browser that does not know one of these: it then sends as it sees fit.
  }
}
