// A participant in a browser, with LiveKit's own client.
(() => {
  if (globalThis.visitor) return;
  const told = [];
  const lines = [];
  const visitor = { told, lines };
  globalThis.visitor = visitor;

  // A picture of one colour that changes a little, so that every frame is a new one.
  const picture = (colour) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const pen = canvas.getContext('2d');
    let turn = 0;
    setInterval(() => {
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 640, 360);
      pen.fillStyle = 'black';
      pen.fillRect((turn = (turn + 7) % 600), 170, 20, 20);
    }, 66);
    return canvas.captureStream(15).getVideoTracks()[0];
  };

  visitor.join = async (url, token, options) => {
    const room = new LivekitClient.Room({ singlePeerConnection: options.single, adaptiveStream: false, dynacast: true });
    visitor.room = room;
    for (const name of ['disconnected', 'trackMuted', 'trackUnmuted', 'participantDisconnected', 'reconnecting', 'reconnected']) {
      room.on(name, (first, second) => told.push(`${name} ${second?.identity ?? first?.identity ?? first ?? ''} ${first?.source ?? ''}`));
    }
    room.registerTextStreamHandler('lk.chat', async (reader, who) => lines.push(`${who.identity}: ${await reader.readAll()}`));
    room.on('trackSubscribed', (track) => document.body.append(track.attach()));
    room.on('trackUnsubscribed', (track) => track.detach().forEach((element) => element.remove()));
    await room.connect(url, token);
    if (options.colour) {
      await room.localParticipant.publishTrack(picture(options.colour),
        { source: 'camera', simulcast: options.simulcast, videoCodec: options.codec, backupCodec: false });
    }
    if (options.sound) await room.localParticipant.setMicrophoneEnabled(true);
    return true;
  };

  // What has come of somebody: frames, packets of sound, its energy.
  visitor.came = async (identity) => {
    const sum = { frames: 0, width: 0, codec: '', packets: 0, energy: 0, muted: [] };
    const who = visitor.room.getParticipantByIdentity(identity);
    for (const publication of who?.trackPublications.values() ?? []) {
      if (publication.isMuted) sum.muted.push(publication.source);
      const report = await publication.track?.getRTCStatsReport?.();
      for (const one of report?.values() ?? []) {
        if (one.type !== 'inbound-rtp') continue;
        if (one.kind === 'video') {
          sum.frames += one.framesDecoded ?? 0;
          sum.width = one.frameWidth ?? 0;
          sum.codec = report.get(one.codecId)?.mimeType ?? '';
        } else {
          sum.packets += one.packetsReceived ?? 0;
          sum.energy += one.totalAudioEnergy ?? 0;
        }
      }
    }
    return sum;
  };

  // Frames and packets that this one has sent.
  visitor.sent = async () => {
    let frames = 0;
    for (const publication of visitor.room.localParticipant.trackPublications.values()) {
      const report = await publication.track?.getRTCStatsReport?.();
      for (const one of report?.values() ?? []) if (one.type === 'outbound-rtp' && one.kind === 'video') frames += one.framesEncoded ?? 0;
    }
    return frames;
  };

  visitor.say = (text) => visitor.room.localParticipant.sendText(text, { topic: 'lk.chat' });
})();
