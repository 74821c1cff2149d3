// What a user gets from a widespread meeting page: 2D canvases of the whole picture on the page's own thread. The mask is
// made from a small copy of the picture, blurred to soften its edge, and the filter of the canvas blurs the background.
import { load } from './model.js';

const EDGE = 'blur(8px)';
const BACKGROUND = 'blur(25px)';
const INTERVAL = 1000 / 30;

/** A clock in a worker: those of a page that nobody looks at are slowed down. */
function clock() {
  const source = 'onmessage = ({ data }) => setTimeout(() => postMessage(0), data)';
  return new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
}

function surface(width, height, options) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  return { canvas, context: canvas.getContext('2d', options) };
}

export async function blurred(track) {
  const { width, height } = track.getSettings();
  const model = await load();
  const video = document.createElement('video');
  Object.assign(video, { muted: true, srcObject: new MediaStream([track]) });
  await video.play();
  const small = surface(model.width, model.height, { willReadFrequently: true });
  const whole = surface(width, height);
  const mask = new ImageData(model.width, model.height);

  function segment() {
    small.context.drawImage(video, 0, 0, width, height, 0, 0, model.width, model.height);
    const { data } = small.context.getImageData(0, 0, model.width, model.height);
    const input = model.input();
    for (let from = 0, to = 0; to < input.length; from += 4, to += 3) {
      input[to] = data[from] / 255;
      input[to + 1] = data[from + 1] / 255;
      input[to + 2] = data[from + 2] / 255;
    }
    model.run();
    const output = model.output();
    for (let i = 0; i < output.length; i++) mask.data[4 * i + 3] = 255 * output[i];
    small.context.putImageData(mask, 0, 0);
  }

  function compose() {
    const { context } = whole;
    context.globalCompositeOperation = 'copy';
    context.filter = EDGE;
    context.drawImage(small.canvas, 0, 0, model.width, model.height, 0, 0, width, height);
    context.globalCompositeOperation = 'source-in';
    context.filter = 'none';
    context.drawImage(video, 0, 0);
    context.globalCompositeOperation = 'destination-over';
    context.filter = BACKGROUND;
    context.drawImage(video, 0, 0);
  }

  const ticks = clock();
  ticks.onmessage = () => {
    const start = performance.now();
    segment();
    compose();
    ticks.postMessage(Math.max(0, INTERVAL - (performance.now() - start)));
  };
  segment();
  compose();
  // Without a rate: one beside a clock of the same rate loses half of the frames where the page is busy.
  const [sent] = whole.canvas.captureStream().getVideoTracks();
  ticks.postMessage(INTERVAL);
  return sent;
}
