// What a browser does that stands where the room system stands: camera → effect → H.264 → one peer. No picture of itself
// on the page, no sound. The bench calls `offer` and `answer`.
import { blurred as canvas } from './canvas.js';
import { blurred as planes } from './planes.js';

const SIZE = { width: 1280, height: 720 };
const RATE = 30;

/** Track of the camera → track that is sent. */
const EFFECTS = { none: async (track) => track, canvas, planes };

let link;
let sender;

/** The codec that the room sends too: H.264 constrained baseline, packetization mode 1. */
function h264() {
  const { codecs } = RTCRtpSender.getCapabilities('video');
  return codecs.filter(({ mimeType, sdpFmtpLine = '' }) =>
    mimeType === 'video/H264' && sdpFmtpLine.includes('42e01f') && sdpFmtpLine.includes('packetization-mode=1'));
}

async function gathered() {
  while (link.iceGatheringState !== 'complete') {
    await new Promise((done) => { link.onicegatheringstatechange = done; });
  }
}

globalThis.kiosk = {
  /** Opens the camera and returns an offer with all its candidates. */
  async offer(effect, bitsPerSecond) {
    const { width, height } = SIZE;
    const wanted = { width: { exact: width }, height: { exact: height }, frameRate: { ideal: RATE } };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: wanted });
    const track = await EFFECTS[effect](stream.getVideoTracks()[0]);
    link = new RTCPeerConnection();
    const sendEncodings = [{ maxBitrate: bitsPerSecond, maxFramerate: RATE }];
    const line = link.addTransceiver(track, { direction: 'sendonly', sendEncodings });
    line.setCodecPreferences(h264());
    sender = line.sender;
    await link.setLocalDescription();
    await gathered();
    return link.localDescription.sdp;
  },

  async answer(sdp) {
    await link.setRemoteDescription({ type: 'answer', sdp });
  },

  /** Which encoder works, and why it would send less than it was asked to. */
  async encoder() {
    const reports = [...(await sender.getStats()).values()];
    const { encoderImplementation, qualityLimitationReason } = reports.find(({ type }) => type === 'outbound-rtp') ?? {};
    return { encoderImplementation, qualityLimitationReason };
  },
};
