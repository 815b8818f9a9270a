"use strict";
// Footprints of ROIs, as pack_footprints packs them, as paths.

/** Runs, filled path and outline of each footprint, in pixels of the movie. */
function shapes(counts, packed, width, height) {
  const stamp = new Int32Array(width * height).fill(-1);
  let at = 0;
  return counts.map((count, roi) => {
    const runs = [];
    for (let position = 0; runs.length < count; at += 2) {
      runs.push([position + packed[at], packed[at + 1]]);
      position += packed[at] + packed[at + 1];
    }
    for (const [first, length] of runs) stamp.fill(roi, first, first + length);
    const [fill, outline] = [new Path2D(), new Path2D()];
    for (const [first, length] of runs) {
      const [x, y] = [first % width, Math.floor(first / width)];
      fill.rect(x, y, length, 1);
      edge(outline, x, y, x, y + 1);
      edge(outline, x + length, y, x + length, y + 1);
      // Along the top and the bottom, where the neighbouring pixel is not of this ROI.
      for (const [row, line] of [[y - 1, y], [y + 1, y + 1]]) {
        for (let k = 0, open = -1; k <= length; k++) {
          const free = k < length && (row < 0 || row >= height || stamp[row * width + x + k] !== roi);
          if (free && open < 0) open = k;
          if (!free && open >= 0) { edge(outline, x + open, line, x + k, line); open = -1; }
        }
      }
    }
    return { runs, fill, outline };
  });
}

function edge(path, x1, y1, x2, y2) {
  path.moveTo(x1, y1);
  path.lineTo(x2, y2);
}
