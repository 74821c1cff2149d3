/**
 * The link to the room: one `RTCPeerConnection` for each offer. The room always offers; this page answers, without
 * candidates (the room would ignore them) and without any ICE server.
 *
 * A new offer makes a new connection beside the old one. The pictures of the old one stay until the new one moves.
 *
 * @module
 */

import { SCREEN, bind, camera } from './senders.js';

/** @typedef {import('./room.js').Lines} Lines */

/** Interrupted for this long is failed. */
const PATIENCE = 4000;
/** More than this on its way on a channel: the path is stuck, and more would only come late. */
const FULL = 64 * 1024;

/**
 * @typedef {object} Sent What goes to the room; `null`: nothing.
 * @property {MediaStreamTrack | null} video
 * @property {MediaStreamTrack | null} audio
 * @property {MediaStreamTrack | null} screen
 */

/**
 * @typedef {object} Connection
 * @property {number} link
 * @property {Lines} lines
 * @property {RTCPeerConnection} peer
 * @property {Map<string | null, RTCRtpTransceiver>} line By `mid`.
 * @property {Map<string, RTCDataChannel>} channels By label.
 */

/**
 * @typedef {object} Ends What is done at this end.
 * @property {(link: number, sdp: string) => Promise<void>} answer
 * @property {() => void} failed The connection of the newest offer cannot be made or has broken.
 * @property {() => void} replaced A connection has taken over: `room`, `screen` and `slot` give other tracks now.
 * @property {(label: string, data: string) => void} heard Text has come on a channel.
 * @property {() => void} channels A channel has opened or closed.
 */

export class Link {
  /**
   * The room's picture and every sound; what the click on *Join* starts. All sound is in one element: browsers allow it
   * to the one that was started by a click. A later connection brings a stream of its own.
   */
  room = new MediaStream();
  /** @type {Connection | null} */
  #shown = null;
  /** @type {Connection | null} */
  #coming = null;
  /** @type {Sent} */
  #sent = { video: null, audio: null, screen: null };
  #others = 0;
  #ends;

  /** @param {Ends} ends */
  constructor(ends) {
    this.#ends = ends;
  }

  /** The newest lines of which pictures are shown. */
  get lines() {
    return this.#shown?.lines ?? null;
  }

  /** The newest that were offered. */
  get offered() {
    return (this.#coming ?? this.#shown)?.lines ?? null;
  }

  /** The picture of a shared screen. */
  get screen() {
    return this.#track(this.#shown, this.#shown?.lines.screen);
  }

  /**
   * The picture of the person in a slot.
   *
   * @param {number} number
   */
  slot(number) {
    return this.#track(this.#shown, this.#shown?.lines.slots?.[number]?.video);
  }

  /**
   * Takes an offer.
   *
   * @param {number} link
   * @param {string} sdp
   * @param {Lines} lines
   */
  async offer(link, sdp, lines) {
    this.#coming?.peer.close();
    const peer = new RTCPeerConnection({ iceServers: [], bundlePolicy: 'max-bundle' });
    /** @type {Connection} */
    const connection = { link, lines, peer, line: new Map(), channels: new Map() };
    this.#coming = connection;
    this.#watch(connection);
    try {
      await peer.setRemoteDescription({ type: 'offer', sdp });
      connection.line = new Map(peer.getTransceivers().map((transceiver) => [transceiver.mid, transceiver]));
      // Open even while there is nothing to send, so that a camera switched on later needs no new offer.
      for (const mid of [lines['guest-video'], lines['guest-audio'], lines['guest-screen']]) {
        const line = connection.line.get(mid);
        if (line) line.direction = 'sendonly';
      }
      await replace(connection, this.#sent);
      const description = await peer.createAnswer();
      await peer.setLocalDescription(description);
      await this.#bind(connection);
      if (this.#coming === connection) await this.#ends.answer(link, description.sdp ?? '');
    } catch {
      this.#fail(connection);
    }
  }

  /**
   * What is sent from now on.
   *
   * @param {Partial<Sent>} sent
   */
  async send(sent) {
    this.#sent = { ...this.#sent, ...sent };
    for (const connection of [this.#shown, this.#coming]) {
      try {
        if (connection) {
          await replace(connection, this.#sent);
          await this.#bind(connection);
        }
      } catch {
        // Closed meanwhile, or not negotiated yet; `offer` sends what is current.
      }
    }
  }

  /**
   * So many other guests see what is sent: the more, the less each may take.
   *
   * @param {number} others
   */
  async seenBy(others) {
    if (others === this.#others) return;
    this.#others = others;
    for (const connection of [this.#shown, this.#coming]) if (connection) await this.#bind(connection);
  }

  /**
   * Says something on a channel. `false`: it is not open, or stuck.
   *
   * @param {'chat' | 'text'} which
   * @param {string} data
   */
  say(which, data) {
    const channel = this.#shown?.channels.get(this.#shown.lines[which]);
    if (channel?.readyState !== 'open' || channel.bufferedAmount > FULL) return false;
    channel.send(data);
    return true;
  }

  /** @param {'chat' | 'text'} which */
  speaks(which) {
    return this.#shown?.channels.get(this.#shown.lines[which])?.readyState === 'open';
  }

  close() {
    for (const connection of [this.#shown, this.#coming]) connection?.peer.close();
    this.#shown = null;
    this.#coming = null;
    for (const track of this.room.getTracks()) this.room.removeTrack(track);
  }

  /**
   * @param {Connection | null} connection
   * @param {string | undefined} mid
   */
  #track(connection, mid) {
    return (mid !== undefined && connection?.line.get(mid)?.receiver.track) || null;
  }

  /** @param {Connection} connection */
  #heardAt(connection) {
    const { lines } = connection;
    const mids = [lines['room-video'], lines['room-audio'], ...(lines.slots ?? []).map(({ audio }) => audio)];
    return mids.flatMap((mid) => this.#track(connection, mid) ?? []);
  }

  /** @param {Connection} connection */
  async #bind({ line, lines }) {
    const height = this.#sent.video?.getSettings().height ?? 720;
    await bind(line.get(lines['guest-video'])?.sender, camera(this.#others, height), 'balanced');
    await bind(line.get(lines['guest-screen'])?.sender, SCREEN, 'maintain-resolution');
  }

  /** @param {Connection} connection */
  #watch(connection) {
    const { peer, channels } = connection;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let patience;
    peer.addEventListener('connectionstatechange', () => {
      clearTimeout(patience);
      switch (peer.connectionState) {
        case 'connected':
          void this.#show(connection);
          break;
        case 'disconnected':
          patience = setTimeout(() => this.#fail(connection), PATIENCE);
          break;
        case 'failed':
          this.#fail(connection);
          break;
        case 'new':
        case 'connecting':
        case 'closed':
          break;
      }
    });
    peer.addEventListener('datachannel', ({ channel }) => {
      channels.set(channel.label, channel);
      channel.binaryType = 'arraybuffer';
      channel.addEventListener('message', ({ data }) => {
        this.#ends.heard(channel.label, typeof data === 'string' ? data : new TextDecoder().decode(data));
      });
      for (const change of ['open', 'close']) channel.addEventListener(change, () => this.#ends.channels());
      this.#ends.channels();
    });
  }

  /** @param {Connection} connection */
  async #show(connection) {
    // The old picture stays until the new one moves.
    if (this.#shown) await moving(this.#track(connection, connection.lines['room-video']));
    if (this.#coming !== connection) return;
    const old = this.#shown;
    this.#shown = connection;
    this.#coming = null;
    // Not the tracks exchanged in the old stream: Chromium (156) plays a new audio track there without any sound.
    this.room = new MediaStream(this.#heardAt(connection));
    this.#ends.replaced();
    old?.peer.close();
  }

  /** @param {Connection} connection */
  #fail(connection) {
    // Only the newest matters: the room has given up the others.
    if (connection.peer.connectionState === 'closed' || connection !== (this.#coming ?? this.#shown)) return;
    this.#ends.failed();
  }
}

/**
 * @param {Connection} connection
 * @param {Sent} sent
 */
async function replace({ line, lines }, { video, audio, screen }) {
  await Promise.all([
    line.get(lines['guest-video'])?.sender.replaceTrack(video),
    line.get(lines['guest-audio'])?.sender.replaceTrack(audio),
    line.get(lines['guest-screen'])?.sender.replaceTrack(screen),
  ]);
}

/**
 * Waits until something arrives on a track, but not longer than a second.
 *
 * @param {MediaStreamTrack | null} track
 */
function moving(track) {
  return new Promise((done) => {
    if (!track?.muted) return done(undefined);
    track.addEventListener('unmute', done, { once: true });
    setTimeout(done, 1000);
  });
}

/** The browser decodes what hardware encoders make: H.264 constrained baseline, packetization mode 1. */
export function decodesH264() {
  const codecs = RTCRtpReceiver.getCapabilities?.('video')?.codecs ?? [];
  return codecs.some(({ mimeType, sdpFmtpLine = '' }) => {
    const baseline = /profile-level-id=42[0-9a-f]{4}/i.test(sdpFmtpLine);
    return /^video\/h264$/i.test(mimeType) && baseline && /packetization-mode=1/.test(sdpFmtpLine);
  });
}
