// The room's speaker: how loud it is, and the sound itself for whoever wants to hear it.

import { element } from "./elements.js";
import { say } from "./texts.js";

const RATE = 48_000;
/** Sound is scheduled so far ahead, in seconds: enough for the uneven arrival of pieces. */
const AHEAD = 0.08;
/** More than this is a delay that one hears; the rest is skipped. */
const TOO_FAR = 0.4;
/** The left end of the meter, in decibels of full scale. */
const FLOOR = -60;

const meter = element("meter", HTMLElement);
const bar = element("meter-bar", HTMLElement);
const word = element("meter-word", HTMLElement);
const listen = element("listen", HTMLButtonElement);

/** @param {{ rms: number, peak: number }} loudness in decibels of full scale */
export function show({ rms, peak }) {
  const silent = peak <= -89;
  const shown = Math.max(FLOOR, Math.min(0, rms));
  bar.style.transform = `scaleX(${1 - shown / FLOOR})`;
  meter.setAttribute("aria-valuenow", shown.toFixed(0));
  const text = silent ? say("silent") : `${rms.toFixed(0)} dBFS`;
  meter.setAttribute("aria-valuetext", text);
  word.textContent = text;
}

/** Connects the *listen* button. */
export function connect() {
  /** @type {AbortController | null} */
  let playing = null;
  listen.addEventListener("click", () => {
    playing?.abort();
    playing = playing ? null : new AbortController();
    listen.setAttribute("aria-pressed", String(playing !== null));
    if (playing) play(playing.signal).catch(() => listen.setAttribute("aria-pressed", "false"));
  });
}

/** @param {AbortSignal} signal ends it */
async function play(signal) {
  const context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
  try {
    const answer = await fetch("/sound", { signal });
    const reader = answer.body?.getReader();
    let next = 0;
    let odd = new Uint8Array();
    for (;;) {
      const piece = await reader?.read();
      if (!piece || piece.done) return;
      const bytes = new Uint8Array(odd.length + piece.value.length);
      bytes.set(odd);
      bytes.set(piece.value, odd.length);
      const whole = bytes.length & ~1;
      odd = bytes.slice(whole);
      next = schedule(context, new DataView(bytes.buffer, 0, whole), next);
    }
  } finally {
    await context.close();
  }
}

/**
 * @param {AudioContext} context
 * @param {DataView} samples 16-bit little-endian
 * @param {number} next when the piece before ends
 * @returns {number} when this one ends
 */
function schedule(context, samples, next) {
  const count = samples.byteLength / 2;
  if (count === 0) return next;
  const late = next < context.currentTime;
  if (!late && next > context.currentTime + TOO_FAR) return next;
  const start = late ? context.currentTime + AHEAD : next;
  const buffer = context.createBuffer(1, count, RATE);
  const channel = buffer.getChannelData(0);
  for (let place = 0; place < count; place += 1) channel[place] = samples.getInt16(place * 2, true) / 32_768;
  const source = context.createBufferSource();
  source.buffer = buffer;
  source.connect(context.destination);
  source.start(start);
  return start + buffer.duration;
}
