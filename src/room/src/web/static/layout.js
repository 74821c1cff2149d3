/**
 * Where each picture stands on the stage; pure. Sizes are CSS pixels.
 *
 * @module
 */

/** @typedef {{ left: number, top: number, width: number, height: number }} Box */
/** @typedef {'alone' | 'grid' | 'large'} Arrangement */

const GAP = 8;
/** People stay people in anything between a square and a wide picture. */
const NARROWEST = 1;
const WIDEST = 16 / 9;
/** One's own picture beside the room's alone: a part of the stage. */
const OWN = 0.26;

/**
 * The boxes of so many pictures. `alone`: the first fills the stage and the second lies in its corner; `grid`: all are
 * as large as each other; `large`: the first takes what the others, small, leave.
 *
 * @param {Arrangement} arrangement
 * @param {number} count
 * @param {number} width
 * @param {number} height
 * @returns {Box[]}
 */
export function place(arrangement, count, width, height) {
  const stage = { left: 0, top: 0, width, height };
  if (count === 0) return [];
  switch (arrangement) {
    case 'alone': {
      const own = Math.max(104, Math.min(width * OWN, 240, (height / 3) * WIDEST));
      const corner = { width: own, height: own / WIDEST, left: width - own - GAP, top: height - own / WIDEST - GAP };
      return [stage, ...Array.from({ length: count - 1 }, () => corner)];
    }
    case 'grid':
      return grid(stage, count);
    case 'large':
      return large(stage, count);
  }
}

/**
 * @param {Box} area
 * @param {number} count
 * @returns {Box[]}
 */
function grid(area, count) {
  let best = { across: 1, down: count, width: 0, height: 0 };
  for (let across = 1; across <= count; across += 1) {
    const down = Math.ceil(count / across);
    const cell = { width: (area.width - GAP * (across - 1)) / across, height: (area.height - GAP * (down - 1)) / down };
    const width = Math.max(0, Math.min(cell.width, cell.height * WIDEST));
    const height = Math.max(0, Math.min(cell.height, width / NARROWEST));
    if (width * height > best.width * best.height) best = { across, down, width, height };
  }
  const { across, down, width, height } = best;
  const top = area.top + (area.height - down * height - (down - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / across);
    // The last row stands in the middle.
    const inRow = Math.min(across, count - row * across);
    const left = area.left + (area.width - inRow * width - (inRow - 1) * GAP) / 2;
    return { left: left + (index % across) * (width + GAP), top: top + row * (height + GAP), width, height };
  });
}

/**
 * @param {Box} stage
 * @param {number} count
 * @returns {Box[]}
 */
function large(stage, count) {
  const small = count - 1;
  if (small === 0) return [stage];
  const { width, height } = stage;
  if (width > height * 1.2) {
    // Small ones stand on the right, below each other.
    const strip = Math.min(width * 0.24, 240, ((height - GAP * (small - 1)) / small) * WIDEST);
    const column = { left: width - strip, top: 0, width: strip, height };
    return [{ ...stage, width: width - strip - GAP }, ...grid(column, small)];
  }
  const rows = small > 3 ? 0.36 : 0.24;
  const strip = { left: 0, top: height * (1 - rows), width, height: height * rows };
  return [{ ...stage, height: height * (1 - rows) - GAP }, ...grid(strip, small)];
}
