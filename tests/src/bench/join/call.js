// What a browser does that stands in the room's place in a call on LiveKit's server, with LiveKit's own client: one large picture and small
// ones beside it as on the room's screen, everybody's sound, and its own camera and microphone. No picture of itself.
(() => {
  const LARGE = 'left: 30px; top: 30px; width: 864px; height: 486px';
  const SMALL = (number) => `left: 926px; top: ${30 + number * 220}px; width: 320px; height: 180px`;

  let room;
  const videos = new Map();

  /** H.264 where the browser has it, as the room sends. */
  const codec = () => {
    const { codecs } = RTCRtpSender.getCapabilities('video');
    return codecs.some(({ mimeType }) => mimeType === 'video/H264') ? 'h264' : 'vp8';
  };

  const statistics = async (track) => [...((await track?.getRTCStatsReport?.())?.values() ?? [])];

  globalThis.call = {
    /** Joins and shows these, the first of them large. */
    async join(url, token, { shows, width, height, frameRate, bitsPerSecond }) {
      document.body.style = 'margin: 0; background: black';
      room = new LivekitClient.Room({ adaptiveStream: true, dynacast: true });
      room.on('trackSubscribed', (track, publication, { identity }) => {
        const place = shows.indexOf(identity);
        if (track.kind === 'video' && place < 0) {
          publication.setSubscribed(false); // as the room, which does not ask for what it does not show
          return;
        }
        const element = track.attach();
        if (track.kind === 'video') {
          element.style = `position: absolute; ${place ? SMALL(place - 1) : LARGE}`;
          videos.set(identity, element);
        }
        document.body.append(element);
      });
      await room.connect(url, token);
      const encoding = { maxBitrate: bitsPerSecond, maxFramerate: frameRate };
      await room.localParticipant.setCameraEnabled(true, { resolution: { width, height, frameRate } },
        { videoCodec: codec(), videoEncoding: encoding, simulcast: false, backupCodec: false });
      await room.localParticipant.setMicrophoneEnabled(true);
      return true;
    },

    /** What was sent so far, and what came of whom. */
    async figures() {
      const sent = { frames: 0, width: 0, height: 0, codec: '', encoder: '', limited: '', packets: 0 };
      for (const { track } of room.localParticipant.trackPublications.values()) {
        const reports = await statistics(track);
        for (const one of reports.filter(({ type }) => type === 'outbound-rtp')) {
          if (one.kind === 'audio') {
            sent.packets += one.packetsSent;
            continue;
          }
          sent.frames += one.framesEncoded;
          sent.width = one.frameWidth ?? 0;
          sent.height = one.frameHeight ?? 0;
          sent.codec = reports.find(({ id }) => id === one.codecId)?.mimeType ?? '';
          sent.encoder = one.encoderImplementation ?? '';
          sent.limited = one.qualityLimitationReason ?? '';
        }
      }
      const came = {};
      for (const { identity, trackPublications } of room.remoteParticipants.values()) {
        const sum = { frames: 0, painted: 0, height: 0, energy: 0 };
        for (const { track } of trackPublications.values()) {
          const reports = await statistics(track);
          for (const one of reports.filter(({ type }) => type === 'inbound-rtp')) {
            sum.energy += one.totalAudioEnergy ?? 0;
            sum.frames += one.framesDecoded ?? 0;
            sum.height = Math.max(sum.height, one.frameHeight ?? 0);
          }
        }
        const quality = videos.get(identity)?.getVideoPlaybackQuality();
        sum.painted = (quality?.totalVideoFrames ?? 0) - (quality?.droppedVideoFrames ?? 0);
        came[identity] = sum;
      }
      return { sent, came };
    },

    leave: () => room.disconnect().then(() => true),
  };
})();
