/**
 * The link to the room: one `RTCPeerConnection` for each offer. The room always offers; this page answers, without
 * candidates (the room would ignore them) and without any ICE server.
 *
 * A new offer makes a new connection beside the old one. The picture of the old one stays until the new one moves.
 *
 * @module
 */

/** @typedef {import('./room.js').Lines} Lines */

/** Interrupted for this long is failed. */
const PATIENCE = 4000;

/**
 * @typedef {object} Connection
 * @property {number} link
 * @property {RTCPeerConnection} peer
 * @property {RTCRtpTransceiver | undefined} video Towards the room.
 * @property {RTCRtpTransceiver | undefined} audio Towards the room.
 * @property {MediaStreamTrack[]} tracks From the room.
 */

export class Link {
  /** The room's picture and sound; what the click on *Join* starts. A later connection brings a stream of its own. */
  room = new MediaStream();
  /** @type {Connection | null} */
  #shown = null;
  /** @type {Connection | null} */
  #coming = null;
  /** @type {MediaStreamTrack | null} */
  #video = null;
  /** @type {MediaStreamTrack | null} */
  #audio = null;
  #answer;
  #failed;
  #replaced;

  /**
   * @param {(link: number, sdp: string) => Promise<void>} answer
   * @param {() => void} failed The connection of the newest offer cannot be made or has broken.
   * @param {() => void} replaced A later connection has taken over: `room` is another stream now.
   */
  constructor(answer, failed, replaced) {
    this.#answer = answer;
    this.#failed = failed;
    this.#replaced = replaced;
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
    const connection = { link, peer, video: undefined, audio: undefined, tracks: [] };
    this.#coming = connection;
    this.#watch(connection);
    try {
      await peer.setRemoteDescription({ type: 'offer', sdp });
      const line = new Map(peer.getTransceivers().map((transceiver) => [transceiver.mid, transceiver]));
      for (const mid of [lines['room-video'], lines['room-audio']]) {
        const track = line.get(mid)?.receiver.track;
        if (track) connection.tracks.push(track);
      }
      connection.video = line.get(lines['guest-video']);
      connection.audio = line.get(lines['guest-audio']);
      // Open even while there is nothing to send, so that a camera switched on later needs no new offer.
      if (connection.video) connection.video.direction = 'sendonly';
      if (connection.audio) connection.audio.direction = 'sendonly';
      await Promise.all([connection.video?.sender.replaceTrack(this.#video), connection.audio?.sender.replaceTrack(this.#audio)]);
      const description = await peer.createAnswer();
      await peer.setLocalDescription(description);
      if (this.#coming === connection) await this.#answer(link, description.sdp ?? '');
    } catch {
      this.#fail(connection);
    }
  }

  /**
   * What is sent from now on; `null`: nothing.
   *
   * @param {MediaStreamTrack | null} video
   * @param {MediaStreamTrack | null} audio
   */
  async send(video, audio) {
    this.#video = video;
    this.#audio = audio;
    for (const connection of [this.#shown, this.#coming]) {
      try {
        await connection?.video?.sender.replaceTrack(video);
        await connection?.audio?.sender.replaceTrack(audio);
      } catch {
        // Closed meanwhile, or not negotiated yet; `offer` sends what is current.
      }
    }
  }

  close() {
    for (const connection of [this.#shown, this.#coming]) connection?.peer.close();
    this.#shown = null;
    this.#coming = null;
    for (const track of this.room.getTracks()) this.room.removeTrack(track);
  }

  /** @param {Connection} connection */
  #watch(connection) {
    const { peer } = connection;
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
  }

  /** @param {Connection} connection */
  async #show(connection) {
    // The old picture stays until the new one moves.
    if (this.#shown) await moving(connection.tracks[0]);
    if (this.#coming !== connection) return;
    const old = this.#shown;
    this.#shown = connection;
    this.#coming = null;
    if (old) {
      // Not the tracks exchanged in the old stream: Chromium (156) plays a new audio track there without any sound.
      this.room = new MediaStream(connection.tracks);
      this.#replaced();
      old.peer.close();
    } else {
      for (const track of connection.tracks) this.room.addTrack(track);
    }
  }

  /** @param {Connection} connection */
  #fail(connection) {
    // Only the newest matters: the room has given up the others.
    if (connection.peer.connectionState === 'closed' || connection !== (this.#coming ?? this.#shown)) return;
    this.#failed();
  }
}

/**
 * Waits until something arrives on a track, but not longer than a second.
 *
 * @param {MediaStreamTrack | undefined} track
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
