/**
 * The stage: the room, a shared screen, everybody else and oneself, each in a picture with a name under it.
 *
 * @module
 */

import { place } from './layout.js';
import { element, label, labelled, make, write } from './page.js';
import { initials, large } from './roster.js';
import { say } from './words.js';

/** @typedef {import('./link.js').Link} Link */
/** @typedef {import('./room.js').Person} Person */
/** @typedef {import('./room.js').RoomView} RoomView */
/** @typedef {import('./words.js').Key} Key */

/** What is said of a person under their picture, and in the list of people. */
/** @typedef {{ icon: string, words: Key, is: boolean }} Mark */

/**
 * @param {Pick<Person, 'microphone' | 'silenced' | 'hand' | 'presenting' | 'connected'>} person
 * @param {boolean} speaks
 * @returns {Mark[]}
 */
export function marks({ microphone, silenced, hand, presenting, connected }, speaks) {
  return [
    { icon: 'speaks', words: 'mark-speaks', is: speaks && microphone },
    { icon: 'hand', words: 'mark-hand', is: hand },
    { icon: 'microphone-closed', words: silenced ? 'mark-silenced' : 'mark-muted', is: !microphone },
    { icon: 'screen', words: 'mark-presents', is: presenting },
    { icon: 'unknown', words: 'mark-connecting', is: !connected },
  ];
}

export class Tiles {
  #stage = element('stage', HTMLElement);
  #tiles = element('tiles', HTMLElement);
  #room = element('room-tile', HTMLElement);
  #screen = element('screen-tile', HTMLElement);
  #screenVideo = element('screen-video', HTMLVideoElement);
  #own = element('own', HTMLElement);
  /** @type {Map<number, Tile>} */
  #people = new Map();
  #link;
  /** @type {RoomView | null} */
  #view = null;

  /** @param {Link} link */
  constructor(link) {
    this.#link = link;
    new ResizeObserver(() => this.#arrange()).observe(this.#stage);
  }

  /**
   * @param {RoomView | null} view
   * @param {ReadonlySet<string>} paused The `mid`s of pictures that are held back.
   */
  render(view, paused) {
    this.#view = view;
    const lines = this.#link.offered;
    this.#roomCaption(view);
    const people = view?.people ?? [];
    const left = new Set(this.#people.keys());
    for (const person of people) {
      left.delete(person.number);
      let tile = this.#people.get(person.number);
      if (!tile) {
        tile = new Tile();
        this.#people.set(person.number, tile);
        this.#tiles.insertBefore(tile.figure, this.#own);
      }
      const mid = lines?.slots?.[person.slot]?.video;
      tile.render(person, view?.speaker === person.number, this.#link.slot(person.slot), mid !== undefined && paused.has(mid));
    }
    for (const number of left) {
      this.#people.get(number)?.close();
      this.#people.delete(number);
    }
    const presenter = people.find(({ number }) => number === view?.screen);
    this.#screen.hidden = !presenter;
    play(this.#screenVideo, presenter ? this.#link.screen : null);
    const held = presenter !== undefined && lines !== null && paused.has(lines.screen);
    this.#screen.dataset['paused'] = String(held);
    write(element('screen-held', HTMLElement), held ? say('picture-paused') : '');
    this.#screenVideo.ariaLabel = presenter ? say('screen-of', { name: presenter.name }) : '';
    write(element('screen-name', HTMLElement), presenter ? say('screen-of', { name: presenter.name }) : '');
    this.#arrange();
  }

  /** @param {RoomView | null} view */
  #roomCaption(view) {
    const caption = element('room-caption', HTMLElement);
    caption.hidden = view === null || view.people.length === 0;
    if (!view) return;
    write(element('room-tile-name', HTMLElement), view.room);
    const closed = !view['microphone-live'];
    const place = element('room-tile-microphone', HTMLElement);
    place.hidden = !closed;
    label(place, 'microphone-closed', say('room-microphone-closed'));
    const speaks = element('room-tile-speaks', HTMLElement);
    const is = view.speaker === null && view['microphone-live'] && view.layout === 'speaker';
    speaks.hidden = !is;
    label(speaks, 'speaks', say('mark-speaks'));
  }

  #arrange() {
    const view = this.#view;
    const people = view?.people ?? [];
    const chosen = view ? large(view) : null;
    const figures = [this.#room, ...people.flatMap(({ number }) => this.#people.get(number)?.figure ?? []), this.#own];
    const big = { screen: this.#screen, room: this.#room }[/** @type {string} */ (chosen)] ?? this.#people.get(Number(chosen))?.figure;
    const arrangement = people.length === 0 ? 'alone' : chosen !== null && big ? 'large' : 'grid';
    if (!this.#screen.hidden && !figures.includes(this.#screen)) figures.unshift(this.#screen);
    if (arrangement === 'large' && big) figures.sort((a, b) => Number(b === big) - Number(a === big));
    this.#stage.dataset['arrangement'] = arrangement;
    const { width, height } = this.#stage.getBoundingClientRect();
    const boxes = place(arrangement, figures.length, width, height);
    figures.forEach((figure, index) => {
      const box = boxes[index];
      if (!box) return;
      figure.dataset['large'] = String(arrangement === 'large' && index === 0);
      for (const side of /** @type {const} */ (['left', 'top', 'width', 'height'])) figure.style[side] = `${box[side]}px`;
    });
  }
}

/** Somebody else's picture. */
class Tile {
  #video = make('video');
  #face = make('p', 'face');
  #held = make('p', 'held');
  #name = make('span', 'name');
  #marks = make('span', 'marks');
  figure = make('figure', 'tile person', this.#video, this.#face, this.#held, make('figcaption', '', this.#name, this.#marks));

  constructor() {
    this.#video.muted = true;
    this.#video.autoplay = true;
    this.#video.playsInline = true;
    this.#face.ariaHidden = 'true';
    this.#video.addEventListener('resize', () => {
      this.figure.dataset['upright'] = String(this.#video.videoHeight > this.#video.videoWidth);
    });
  }

  /**
   * @param {Person} person
   * @param {boolean} speaks
   * @param {MediaStreamTrack | null} track
   * @param {boolean} paused
   */
  render(person, speaks, track, paused) {
    const { number, name, camera, hand, microphone } = person;
    this.figure.dataset['person'] = String(number);
    this.figure.dataset['speaks'] = String(speaks && microphone);
    this.figure.dataset['hand'] = String(hand);
    this.figure.dataset['camera'] = String(camera);
    this.figure.dataset['paused'] = String(paused && camera);
    this.#video.ariaLabel = say('picture-of', { name });
    this.#video.hidden = !camera;
    play(this.#video, track);
    write(this.#face, camera ? '' : initials(name));
    write(this.#held, paused && camera ? say('picture-paused') : '');
    write(this.#name, name);
    showMarks(this.#marks, marks(person, speaks));
  }

  close() {
    this.#video.srcObject = null;
    this.figure.remove();
  }
}

/**
 * @param {HTMLElement} parent
 * @param {readonly Mark[]} all
 */
export function showMarks(parent, all) {
  if (parent.children.length !== all.length) parent.replaceChildren(...all.map(() => make('span', 'sign', ...labelled())));
  all.forEach(({ icon, words, is }, index) => {
    const place = parent.children[index];
    if (!(place instanceof HTMLElement)) return;
    place.hidden = !is;
    place.dataset['sign'] = icon;
    label(place, icon, is ? say(words) : '');
  });
}

/**
 * A picture without sound, which every browser starts by itself.
 *
 * @param {HTMLVideoElement} video
 * @param {MediaStreamTrack | null} track
 */
export function play(video, track) {
  const shown = video.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks()[0] : undefined;
  if ((shown ?? null) === track) return;
  video.srcObject = track ? new MediaStream([track]) : null;
  if (track) video.play().catch(() => {});
}
