// Blurs the background in the planes of I420 frames: a mask for every second frame, the blur in a 160 × 90 picture, and
// only the pixels touched that are not all person.
import { load } from './model.js';

const CADENCE = 2;
const LUMA_CELL = 4;
const BLUR_CELL = 8;
const RADIUS = 4;
const PASSES = 3;
const ROUND = 0.5;

/** Means of cells, from a quarter of their pixels. */
function shrink(plane, stride, cell, width, height, out) {
  const step = Math.max(1, cell >> 1);
  const offset = (cell >> 1) >> 1;
  for (let y = 0; y < height; y++) {
    const upper = (y * cell + offset) * stride + offset;
    const lower = upper + step * stride;
    for (let x = 0, at = 0; x < width; x++, at += cell) {
      out[y * width + x] = (plane[upper + at] + plane[upper + at + step] + plane[lower + at] + plane[lower + at + step] + 2) >> 2;
    }
  }
}

/** One pass of a box along rows, written transposed, so that two of them are one pass in both directions. */
function box(from, to, width, height) {
  const scale = 1 / (2 * RADIUS + 1);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let sum = from[row] * (RADIUS + 1);
    for (let x = 0; x < RADIUS; x++) sum += from[row + x];
    for (let x = 0; x < width; x++) {
      sum += from[row + Math.min(x + RADIUS, width - 1)];
      to[x * height + y] = sum * scale;
      sum -= from[row + Math.max(x - RADIUS, 0)];
    }
  }
}

/** Stretches a picture, bilinear, to whole numbers. */
function stretch(from, fromWidth, fromHeight, to, toWidth, toHeight) {
  for (let y = 0; y < toHeight; y++) {
    const v = Math.min(Math.max((y + 0.5) * fromHeight / toHeight - 0.5, 0), fromHeight - 1);
    const y0 = Math.min(v | 0, fromHeight - 2);
    const fy = v - y0;
    for (let x = 0; x < toWidth; x++) {
      const u = Math.min(Math.max((x + 0.5) * fromWidth / toWidth - 0.5, 0), fromWidth - 1);
      const x0 = Math.min(u | 0, fromWidth - 2);
      const fx = u - x0;
      const at = y0 * fromWidth + x0;
      const upper = from[at] + (from[at + 1] - from[at]) * fx;
      const lower = from[at + fromWidth] + (from[at + fromWidth + 1] - from[at + fromWidth]) * fx;
      to[y * toWidth + x] = upper + (lower - upper) * fy + ROUND;
    }
  }
}

/** Puts the background behind the people, in place. Mask and background are `cell` times smaller than the plane. */
function compose(plane, stride, cell, mask, background, width, height, rows) {
  const [masks, backs] = rows;
  const half = cell >> 1;
  for (let y = 0; y < height * cell; y++) {
    const v = Math.min(Math.max(((y + 0.5) * 256 / cell - 128) | 0, 0), (height - 1) * 256 - 1);
    const top = (v >> 8) * width;
    const fy = v & 255;
    for (let x = 0; x < width; x++) {
      masks[x] = mask[top + x] * (256 - fy) + mask[top + width + x] * fy;
      backs[x] = background[top + x] * (256 - fy) + background[top + width + x] * fy;
    }
    masks[width] = masks[width - 1];
    backs[width] = backs[width - 1];
    const row = y * stride;
    for (let x = 0; x < half; x++) {
      const b = backs[0] >> 8;
      plane[row + x] = b + (((plane[row + x] - b) * (masks[0] + 128)) >> 16);
    }
    const end = row + width * cell;
    for (let x = 0, at = row + half; x < width; x++, at += cell) {
      const m0 = masks[x];
      const m1 = masks[x + 1];
      if (m0 >= 65200 && m1 >= 65200) continue;
      const ms = ((m1 - m0) / cell) | 0;
      const bs = ((backs[x + 1] - backs[x]) / cell) | 0;
      let m = m0 + (ms >> 1);
      let b = backs[x] + (bs >> 1);
      const stop = Math.min(at + cell, end);
      if ((m0 | m1) < 256) {
        for (let i = at; i < stop; i++, b += bs) plane[i] = b >> 8;
      } else {
        for (let i = at; i < stop; i++, m += ms, b += bs) {
          const back = b >> 8;
          plane[i] = back + (((plane[i] - back) * m) >> 16);
        }
      }
    }
  }
}

class Blur {
  constructor(model, width, height) {
    const bytes = (length) => new Uint8Array(length);
    const floats = (length) => new Float32Array(length);
    Object.assign(this, { model, width, height, age: CADENCE });
    const [w, h] = [width, height];
    this.frame = bytes(w * h * 3 / 2);
    this.layout = [
      { offset: 0, stride: w },
      { offset: w * h, stride: w / 2 },
      { offset: w * h * 5 / 4, stride: w / 2 },
    ];
    this.planes = this.layout.map(({ offset, stride }, i) => ({
      pixels: this.frame.subarray(offset, offset + (i ? w * h / 4 : w * h)), stride, divisor: i ? 2 : 1,
    }));
    const cells = { w: w / LUMA_CELL, h: h / LUMA_CELL };
    const blur = { w: w / BLUR_CELL, h: h / BLUR_CELL };
    Object.assign(this, { cells, blur });
    this.seen = [0, 1, 2].map(() => bytes(cells.w * cells.h));
    this.mask = bytes(cells.w * cells.h);
    this.small = bytes(blur.w * blur.h);
    this.smallMask = floats(blur.w * blur.h);
    this.weight = floats(blur.w * blur.h);
    this.sum = floats(blur.w * blur.h);
    this.turned = floats(blur.w * blur.h);
    this.background = bytes(cells.w * cells.h);
    this.rows = [new Int32Array(cells.w + 1), new Int32Array(cells.w + 1)];
    this.picture = floats(model.width * model.height * 3);
  }

  smooth(values) {
    const { w, h } = this.blur;
    for (let pass = 0; pass < PASSES; pass++) {
      box(values, this.turned, w, h);
      box(this.turned, values, h, w);
    }
  }

  segment() {
    const { model, cells } = this;
    this.planes.forEach(({ pixels, stride, divisor }, i) => shrink(pixels, stride, LUMA_CELL / divisor, cells.w, cells.h, this.seen[i]));
    const [ys, us, vs] = this.seen;
    const input = model.input();
    for (let y = 0, to = 0; y < model.height; y++) {
      const row = ((y * cells.h / model.height) | 0) * cells.w;
      for (let x = 0; x < model.width; x++, to += 3) {
        const at = row + ((x * cells.w / model.width) | 0);
        // BT.601, limited range.
        const luma = (ys[at] - 16) * 0.004566;
        const u = us[at] - 128;
        const v = vs[at] - 128;
        input[to] = luma + v * 0.006259;
        input[to + 1] = luma - u * 0.001536 - v * 0.003188;
        input[to + 2] = luma + u * 0.007911;
      }
    }
    model.run();
    const output = model.output();
    for (let i = 0; i < output.length; i++) this.picture[i] = output[i] * 255;
    stretch(this.picture, model.width, model.height, this.mask, cells.w, cells.h);
    stretch(this.picture, model.width, model.height, this.smallMask, this.blur.w, this.blur.h);
    // People must not bleed into their background: where they are counts for little.
    for (let i = 0; i < this.weight.length; i++) this.weight[i] = this.smallMask[i] = 1.004 - Math.min(this.smallMask[i], 255) / 255;
    this.smooth(this.weight);
  }

  /** Blurs the frame that lies in `frame`. */
  apply() {
    if (++this.age >= CADENCE) {
      this.segment();
      this.age = 0;
    }
    const { cells, blur } = this;
    for (const { pixels, stride, divisor } of this.planes) {
      shrink(pixels, stride, BLUR_CELL / divisor, blur.w, blur.h, this.small);
      for (let i = 0; i < this.sum.length; i++) this.sum[i] = this.small[i] * this.smallMask[i];
      this.smooth(this.sum);
      for (let i = 0; i < this.sum.length; i++) this.sum[i] /= this.weight[i];
      stretch(this.sum, blur.w, blur.h, this.background, cells.w, cells.h);
      compose(pixels, stride, LUMA_CELL / divisor, this.mask, this.background, cells.w, cells.h, this.rows);
    }
  }
}

onmessage = async ({ data: { readable, writable } }) => {
  let blur;
  try {
    const model = await load();
    const transform = async (frame, controller) => {
      const { width, height } = frame.visibleRect;
      if (frame.format !== 'I420') throw new Error(`frames come as ${frame.format}`);
      blur ??= new Blur(model, width, height);
      await frame.copyTo(blur.frame, { layout: blur.layout });
      const { timestamp } = frame;
      frame.close();
      blur.apply();
      const format = { format: 'I420', codedWidth: width, codedHeight: height, timestamp, layout: blur.layout };
      controller.enqueue(new VideoFrame(blur.frame, format));
    };
    postMessage('ready');
    await readable.pipeThrough(new TransformStream({ transform })).pipeTo(writable);
  } catch (error) {
    postMessage(`${error}`);
  }
};
