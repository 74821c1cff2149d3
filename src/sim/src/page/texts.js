// Every text of the page, German and English. A key that lacks one of them does not pass the type check.

/** @typedef {"de" | "en"} Language */
/** @typedef {{ de: string, en: string }} Text */

const texts = /** @satisfies {Record<string, Text>} */ ({
  title: { de: "Simulierter Raum", en: "Simulated room" },
  subtitle: {
    de: "Nur auf diesem Rechner zu erreichen. Hier sind Sie die Hand im Raum.",
    en: "Reachable from this machine only. Here you are the hand in the room.",
  },
  language: { de: "Sprache", en: "Language" },
  wall: { de: "Bildschirm und Gerät", en: "Screen and device" },
  screen: { de: "Der Bildschirm des Raums", en: "The room's screen" },
  screenDark: { de: "Der Bildschirm zeigt noch nichts.", en: "The screen shows nothing yet." },
  microphone: { de: "Mikrofon", en: "Microphone" },
  camera: { de: "Kamera", en: "Camera" },
  button: { de: "Taste", en: "Button" },
  buttonPress: { de: "Taste des Raums drücken", en: "Press the room's button" },
  buttonHelp: {
    de: "Kurz drücken weckt den Raum, danach lässt jeder Druck den Gast ein, der am längsten wartet. Zwei Sekunden halten beendet die Besprechung.",
    en: "A short press wakes the room; after that each press admits the guest who waits longest. Held for two seconds it ends the meeting.",
  },
  hold: { de: "Zwei Sekunden halten", en: "Hold for two seconds" },
  reveal: { de: "Hintergrund zeigen", en: "Show background" },
  revealHelp: {
    de: "„Hintergrund zeigen“ deckt auf, was hinter den Menschen steht, eine Minute lang oder bis zum nächsten Druck: für eine Tafel, die gelesen werden soll.",
    en: "“Show background” uncovers what stands behind people, for a minute or until the next press: for a board that is to be read.",
  },
  switch: { de: "Schalter des Mikrofons", en: "Microphone switch" },
  switchOpen: { de: "offen", en: "open" },
  switchClosed: { de: "stumm", en: "muted" },
  shutter: { de: "Klappe der Kamera", en: "Camera shutter" },
  shutterOpen: { de: "offen", en: "open" },
  shutterClosed: { de: "geschlossen", en: "closed" },
  positionUnknown: { de: "unbekannt", en: "unknown" },
  lampLive: { de: "Lampe „an“", en: "Lamp “live”" },
  lampMuted: { de: "Lampe „stumm“", en: "Lamp “muted”" },
  lit: { de: "leuchtet", en: "lit" },
  dark: { de: "dunkel", en: "dark" },
  unknown: { de: "unbekannt", en: "unknown" },
  speaker: { de: "Lautsprecher", en: "Speaker" },
  silent: { de: "still", en: "silent" },
  listen: { de: "Mithören", en: "Listen" },
  save: { de: "Letzte 10 s (WAV)", en: "Last 10 s (WAV)" },
  cables: { de: "Kabel", en: "Cables" },
  plugged: { de: "steckt", en: "plugged in" },
  unplugged: { de: "gezogen", en: "unplugged" },
  plug: { de: "Stecken", en: "Plug in" },
  unplug: { de: "Ziehen", en: "Unplug" },
  segmenter: { de: "Personensuche", en: "Person search" },
  answers: { de: "arbeitet", en: "works" },
  still: { de: "steht still", en: "stands still" },
  makeStill: { de: "Anhalten", en: "Stop" },
  makeAnswer: { de: "Weiter", en: "Go on" },
  meeting: { de: "Konferenz anderer", en: "Meeting of others" },
  linkOf: { de: "Link der Konferenz", en: "Link of the meeting" },
  propose: { de: "Vorschlagen", en: "Propose" },
  terminal: { de: "Dasselbe im Terminal", en: "The same in a terminal" },
  lost: {
    de: "Der simulierte Raum antwortet nicht. Läuft „subrosa run“ noch? Die Seite verbindet sich von selbst wieder.",
    en: "The simulated room does not answer. Is “subrosa run” still running? The page reconnects by itself.",
  },
  failed: { de: "Das ging nicht: ", en: "That did not work: " },
});

/** @typedef {keyof typeof texts} TextKey */

const wished = new URLSearchParams(location.search).get("lang") ?? navigator.language;

/** @type {Language} */
export const language = wished.toLowerCase().startsWith("de") ? "de" : "en";

/**
 * @param {TextKey} key
 * @returns {string}
 */
export function say(key) {
  return texts[key][language];
}

/** Fills in the page's fixed texts. */
export function fill() {
  document.documentElement.lang = language;
  document.title = `${say("title")} · Subrosa`;
  for (const part of document.querySelectorAll("[data-text]")) {
    part.textContent = say(key(part.getAttribute("data-text")));
  }
  for (const part of document.querySelectorAll("[data-label]")) {
    part.setAttribute("aria-label", say(key(part.getAttribute("data-label"))));
  }
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("hreflang") === language) link.setAttribute("aria-current", "true");
  }
}

/**
 * @param {string | null} name
 * @returns {TextKey}
 */
function key(name) {
  if (name === null || !(name in texts)) throw new Error(`there is no text ${name}`);
  return /** @type {TextKey} */ (name);
}
