"use strict";
// ν against the number of cells that share the laser's time.

drawn(() => {
  if (page.tradeOff) tradeOff(page.tradeOff);
});

function tradeOff({ cells, noise, frameRate, side, fit, low, high }) {
  const level = (n) => noise * Math.sqrt(n / cells);
  const expected = (nu) => (fit && nu >= low && nu <= high ? Math.tanh(fit[0] + fit[1] * Math.log(nu)) : NaN);
  const rows = (n) => {
    const times = n / cells;
    const r = expected(level(n));
    return [
      [`${number(n, 2)} cells, ${number(times, 2)} × as many`],
      ["ν", `${number(level(n))} %/√Hz`],
      ["frame rate at the same pixels", `${number(frameRate / times)} Hz`],
      ...(side ? [["side of the field", `${number(side * Math.sqrt(times))} µm`]] : []),
      ["correlation to expect", Number.isFinite(r) ? number(r, 2) : "not known"],
    ];
  };
  const line = {
    ...curve(level, "ν ∝ √n", "accent"),
    read: (px, py, { toX }) => ({ rows: rows(toX.invert(px)) }),
  };
  // Above what the cells here show, the line has no correlation to expect.
  const known = fit ? [[low, "ν of the quietest cell"], [high, "ν of the noisiest cell"]].map(
    ([nu, text]) => rule(cells * (nu / noise) ** 2, text, "faint")) : [];
  report.tradeOff = new Chart($("trade-off"), {
    height: 230,
    label: "Noise level to expect for a number of cells in the field, at the photons of this recording.",
    x: { label: "cells in the field", log: true, low: cells / 10, high: cells * 10 },
    y: { label: "median ν", unit: "%/√Hz", log: true, low: level(cells / 10), high: level(cells * 10) },
    layers: [line, ...known, {
      ...points([cells], [noise], { style: () => ({ colour: "ink", radius: 5, alpha: 1 }), rows: () => [] }),
      read: () => null,
    }],
  });
}
