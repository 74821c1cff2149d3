// Put into every page before its own scripts. It changes nothing that the page can notice.
(() => {
  if (globalThis.subrosaTest) return;
  const links = [];
  const acts = [];
  const act = (what) => acts.push(what);
  globalThis.subrosaTest = { links, acts };

  const Native = globalThis.RTCPeerConnection;
  if (Native) {
    globalThis.RTCPeerConnection = class RTCPeerConnection extends Native {
      constructor(...settings) {
        super(...settings);
        links.push(this);
        act('RTCPeerConnection');
      }
    };
  }
  const devices = navigator.mediaDevices;
  if (devices) {
    const native = devices.getUserMedia.bind(devices);
    devices.getUserMedia = (wanted) => { act('getUserMedia'); return native(wanted); };
  }
  const nativeFetch = globalThis.fetch.bind(globalThis);
  globalThis.fetch = (resource, options) => {
    const url = new URL(resource instanceof Request ? resource.url : resource, location.href);
    act(`fetch ${url.pathname}`);
    return nativeFetch(resource, options);
  };
  const NativeSource = globalThis.EventSource;
  globalThis.EventSource = class EventSource extends NativeSource {
    constructor(url, options) { super(url, options); act(`events ${new URL(url, location.href).pathname}`); }
  };
  addEventListener('click', (event) => act(`click ${event.target?.closest?.('button,a,input,label,summary')?.id ?? ''}`), true);

  subrosaTest.visible = (selector) => [...document.querySelectorAll(selector)]
    .find((element) => element.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true }) && element.getClientRects().length > 0);
  subrosaTest.place = (selector) => {
    const element = subrosaTest.visible(selector);
    if (!element || element.disabled) return null;
    element.scrollIntoView({ block: 'center', behavior: 'instant' });
    const box = element.getBoundingClientRect();
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  };
  subrosaTest.arrivals = async () => {
    const found = {};
    for (const report of (await links.at(-1)?.getStats())?.values() ?? []) {
      if (report.type !== 'inbound-rtp') continue;
      found[report.trackIdentifier] = {
        sound: report.kind === 'audio', frames: report.framesDecoded ?? 0, packets: report.packetsReceived ?? 0,
        energy: report.totalAudioEnergy ?? 0,
      };
    }
    return found;
  };
  // The track that an element shows.
  subrosaTest.track = (selector) => document.querySelector(selector)?.srcObject?.getVideoTracks()[0]?.id ?? null;
  subrosaTest.statistics = async () => {
    const link = links.at(-1);
    const found = {
      links: links.length, connected: link?.connectionState === 'connected', framesDecoded: 0, frameWidth: 0, audioPackets: 0,
      audioEnergy: 0, framesEncoded: 0, packetsSent: 0, keyFramesDecoded: 0, at: performance.timeOrigin + performance.now(),
    };
    if (!link) return found;
    for (const report of (await link.getStats()).values()) {
      if (report.type === 'inbound-rtp' && report.kind === 'video') {
        found.framesDecoded += report.framesDecoded ?? 0;
        found.keyFramesDecoded += report.keyFramesDecoded ?? 0;
        found.frameWidth = Math.max(found.frameWidth, report.frameWidth ?? 0);
      } else if (report.type === 'inbound-rtp' && report.kind === 'audio') {
        found.audioPackets += report.packetsReceived ?? 0;
        found.audioEnergy += report.totalAudioEnergy ?? 0;
      } else if (report.type === 'outbound-rtp') {
        found.packetsSent += report.packetsSent ?? 0;
        if (report.kind === 'video') found.framesEncoded += report.framesEncoded ?? 0;
      }
    }
    return found;
  };
})();
