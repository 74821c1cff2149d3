// The drawn device: lamps and switches as the simulator says they are, and the hand that moves them.

import { element, icon, span } from "./elements.js";
import { say } from "./texts.js";

/** @typedef {"lit" | "dark" | "unknown"} Lamp */
/** @typedef {"open" | "closed" | "unknown"} Level */
/** @typedef {"camera" | "microphone"} Capture */
/** @typedef {{ plugged: boolean, switch: Level, live: Lamp, muted: Lamp | null }} CaptureState */
/** @typedef {{ pressed: boolean, reveal: boolean | null, segmenter: boolean | null, camera: CaptureState, microphone: CaptureState, outputs: boolean }} State */

const spoken = element("spoken", HTMLElement);
const button = element("button", HTMLButtonElement);
const screen = element("screen", HTMLCanvasElement);

/** @type {Map<HTMLElement, string>} */
const words = new Map();

/** @type {State | null} */
let now = null;

/**
 * Asks the simulator to move something.
 * @param {string} path
 * @param {object} body
 */
async function move(path, body = {}) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      keepalive: true, // the finger is lifted even if the page is being closed
    });
    if (!answer.ok) {
      const { error } = await answer.json();
      spoken.textContent = say("failed") + error;
    }
  } catch {
    // The event stream notices that the simulator has gone, and says so.
  }
}

/**
 * @param {string} id
 * @param {"live" | "muted"} kind
 * @param {Capture} capture
 * @param {Lamp} lamp
 */
function showLamp(id, kind, capture, lamp) {
  const place = element(id, HTMLLIElement);
  if (place.dataset.lamp === lamp) return;
  place.dataset.lamp = lamp;
  place.dataset.kind = kind;
  const disc = document.createElement("span");
  disc.className = "disc";
  if (lamp === "unknown") {
    disc.append(icon("unknown"));
  } else {
    disc.append(icon(capture));
    if (kind === "muted") disc.append(icon("slash"));
  }
  const name = say(kind === "live" ? "lampLive" : "lampMuted");
  place.replaceChildren(disc, span("name", name), span("word", say(lamp)));
  announce(place, `${say(capture)}: ${name} ${say(lamp)}`);
}

/**
 * Says a change to screen readers; the first state of each thing is not a change.
 * @param {HTMLElement} place
 * @param {string} sentence
 */
function announce(place, sentence) {
  const before = words.get(place);
  words.set(place, sentence);
  if (before !== undefined && before !== sentence) spoken.textContent = sentence;
}

/**
 * @param {"switch" | "shutter"} id
 * @param {Level} level
 */
function showSwitch(id, level) {
  const place = element(id, HTMLButtonElement);
  place.setAttribute("aria-checked", level === "open" ? "true" : "false");
  element(`${id}-word`, HTMLElement).textContent =
    level === "unknown" ? say("positionUnknown") : say(level === "open" ? `${id}Open` : `${id}Closed`);
}

/**
 * @param {Capture} capture
 * @param {boolean} plugged
 */
function showCable(capture, plugged) {
  const word = element(`${capture}-plug-word`, HTMLElement);
  word.textContent = say(plugged ? "plugged" : "unplugged");
  const act = element(`${capture}-plug`, HTMLButtonElement);
  act.textContent = say(plugged ? "unplug" : "plug");
  act.setAttribute("aria-label", `${say(capture)}: ${say(plugged ? "unplug" : "plug")}`);
  announce(word, `${say(capture)}: ${say(plugged ? "plugged" : "unplugged")}`);
}

/** @param {boolean | null} answers */
function showSegmenter(answers) {
  element("segmenter-row", HTMLElement).hidden = answers === null;
  const word = element("segmenter-word", HTMLElement);
  word.textContent = say(answers ? "answers" : "still");
  const act = element("segmenter", HTMLButtonElement);
  act.textContent = say(answers ? "makeStill" : "makeAnswer");
  act.setAttribute("aria-label", `${say("segmenter")}: ${act.textContent}`);
  announce(word, `${say("segmenter")}: ${word.textContent}`);
}

/**
 * Shows what is true in the room.
 * @param {State} state
 */
export function show(state) {
  now = state;
  showLamp("camera-live", "live", "camera", state.camera.live);
  showLamp("microphone-live", "live", "microphone", state.microphone.live);
  showLamp("microphone-muted", "muted", "microphone", state.microphone.muted ?? "unknown");
  showSwitch("switch", state.microphone.switch);
  showSwitch("shutter", state.camera.switch);
  element("shutter-plate", HTMLElement).dataset.closed = String(state.camera.switch === "closed");
  showCable("camera", state.camera.plugged);
  showCable("microphone", state.microphone.plugged);
  button.dataset.pressed = String(state.pressed);
  element("reveal", HTMLButtonElement).hidden = state.reveal === null;
  element("reveal-help", HTMLElement).hidden = state.reveal === null;
  showSegmenter(state.segmenter);
  screen.dataset.stale = String(!state.outputs);
}

/**
 * Whether the simulator answers. While it does not, nothing is known: no lamp is shown dark.
 * @param {boolean} there
 */
export function enable(there) {
  for (const part of document.querySelectorAll("main button")) {
    if (part instanceof HTMLButtonElement) part.disabled = !there;
  }
  if (there) return;
  screen.dataset.stale = "true";
  showLamp("camera-live", "live", "camera", "unknown");
  showLamp("microphone-live", "live", "microphone", "unknown");
  showLamp("microphone-muted", "muted", "microphone", "unknown");
}

/** Puts the hand on everything that moves. */
export function connect() {
  element("switch", HTMLButtonElement).addEventListener("click", () => {
    move("/switch", { position: now?.microphone.switch === "open" ? "mute" : "unmute" });
  });
  element("shutter", HTMLButtonElement).addEventListener("click", () => {
    move("/shutter", { position: now?.camera.switch === "open" ? "close" : "open" });
  });
  for (const capture of /** @type {const} */ (["camera", "microphone"])) {
    element(`${capture}-plug`, HTMLButtonElement).addEventListener("click", () => {
      move(now?.[capture].plugged ? "/unplug" : "/plug", { capture });
    });
  }
  element("reveal", HTMLButtonElement).addEventListener("click", () => move("/reveal"));
  element("segmenter", HTMLButtonElement).addEventListener("click", () => {
    move("/segmenter", { position: now?.segmenter ? "still" : "answers" });
  });
  element("hold", HTMLButtonElement).addEventListener("click", () => move("/hold"));
  connectButton();
}

/** The button is held for as long as pointer or key hold it; a screen reader's click is a short press. */
function connectButton() {
  let held = false;
  let byPointer = false;
  const down = () => {
    if (!held) move("/down");
    held = true;
  };
  const up = () => {
    if (held) move("/up");
    held = false;
  };
  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    byPointer = true;
    button.setPointerCapture(event.pointerId);
    down();
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(end, up);
  window.addEventListener("pagehide", up);
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  const isPress = (/** @type {KeyboardEvent} */ event) => event.key === " " || event.key === "Enter";
  button.addEventListener("keydown", (event) => {
    if (!isPress(event)) return;
    event.preventDefault();
    down();
  });
  button.addEventListener("keyup", (event) => {
    if (!isPress(event)) return;
    event.preventDefault();
    up();
  });
  button.addEventListener("click", () => {
    if (!byPointer) move("/press");
    byPointer = false;
  });
}
