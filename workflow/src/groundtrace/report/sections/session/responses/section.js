"use strict";
// Responses to stimuli: one cell at a time, then all of them.

drawn(() => {
  if ($("responding")) responses();
});

function responses() {
  const { responses: all } = page;
  const cell = () => all.best[$("responding").value];
  const charts = [...oneCell(all, cell), reliabilityOf(all, "variance", { label: "variance of mean responses", unit: "spikes²", log: true }),
    reliabilityOf(all, "entropy", { label: "entropy", unit: "bit" })];
  if (all.alike) charts.push(alikeCells(all));
  const told = () => {
    const { corrected, tuning } = cell();
    $("responding-told").textContent = [corrected && `oracle of the spikes themselves: ${corrected}`, ...tuning.map(({ name, period, preferred, selectivity }) => (
      `${name}${period ? ` (period ${number(period)}°)` : ""}: prefers ${preferred}, selectivity ${selectivity}`))].filter(Boolean).join("; ");
  };
  $("responding").addEventListener("change", () => {
    told();
    charts.forEach(({ canvas }) => canvas.redraw());
  });
  told();
  report.responses = charts;
}

/** Rates around onsets, trials, repeats and tuning of the cell that is chosen. */
function oneCell(all, cell) {
  const { low, high } = all.best[0].onsets;
  const time = { label: "time from onset", unit: "s", low, high };
  const trials = Math.max(...all.best.map(({ onsets }) => onsets.rows));
  const repeats = Math.max(...all.best.map(({ matrix }) => matrix.rows));
  const start = rule(0, "", "faint");
  const charts = [
    new Chart($("psth"), {
      height: 170, label: "Mean spike rate of the cell around onsets.", x: time, y: { label: "rate", unit: "Hz", low: 0 }, left: 50,
      layers: [banded(() => cell().onsets.times, () => cell().onsets.strongest, { name: "strongest condition", colour: "spike", unit: "Hz" }),
        banded(() => cell().onsets.times, () => cell().onsets.all, { name: "all trials", colour: "accent", unit: "Hz" }), start],
    }),
    new Chart($("onsets"), {
      height: 260, label: "Spike rate of the cell in every trial.", x: time, y: { label: "trials, by condition", low: trials, high: 0 }, left: 50,
      layers: [picture(() => cell().onsets.image, () => [low, high, 0, cell().onsets.rows]), start],
    }),
    new Chart($("repeats"), {
      height: 430, label: "Response of the cell to every repeat of every condition.", left: 50,
      // A column is centred on its number, so that ticks name columns.
      x: { label: all.axis.label, low: -0.5, high: all.best[0].matrix.columns.length - 0.5, whole: true,
        text: (tick) => all.axis.values[cell().matrix.columns[tick]] ?? "" },
      y: { label: "repeat", low: repeats, high: 0, whole: true },
      layers: [picture(() => cell().matrix.image, () => [-0.5, cell().matrix.columns.length - 0.5, 0, cell().matrix.rows], (x) => {
        const { columns, mean } = cell().matrix;
        const at = Math.max(0, Math.min(columns.length - 1, Math.round(x)));
        return [[all.names[columns[at]]], ["mean", `${number(mean[at], 2)} spikes`]];
      })],
    }),
  ];
  if ($("tuning")) all.best[0].tuning.forEach((_, k) => charts.push(tuned(() => cell().tuning[k])));
  return charts;
}

/** A tuning curve with the errors of its points; the preferred value and its error are shaded. */
function tuned(curve) {
  const { name, value, period } = curve();
  const log = !period && value[0] > 0 && value.at(-1) >= 4 * value[0];
  const edge = (value.at(-1) - value[0]) * 0.06;
  const x = { label: period ? `${name} (period ${number(period)}°)` : name, log };
  Object.assign(x, log ? { low: value[0] / 1.15, high: value.at(-1) * 1.15 } : { low: value[0] - edge, high: value.at(-1) + edge });
  return new Chart($("tuning"), {
    height: 205, label: `Mean response to each value of ${name}.`, x, y: { label: "response", unit: "spikes" }, left: 50,
    layers: [preferred(curve), errorBars(curve)],
  });
}

const preferred = (curve) => ({
  draw(ctx, { toX, box }) {
    const { at, within, period, value } = curve();
    if (!Number.isFinite(at)) return;
    ctx.fillStyle = colours.spike;
    // An angle comes back after its period.
    for (const turn of period ? [-period, 0, period] : [0]) {
      // On an axis of logarithms there is nothing at zero and below.
      const [from, middle, to] = [at - within, at, at + within].map((v) => toX(period ? v + turn : Math.max(v, value[0] > 0 ? value[0] / 4 : v)));
      ctx.globalAlpha = 0.18;
      ctx.fillRect(from, box.top, Math.max(to - from, 1), box.bottom - box.top);
      ctx.globalAlpha = 1;
      ctx.fillRect(middle - 0.75, box.top, 1.5, box.bottom - box.top);
    }
  },
});

const errorBars = (curve) => ({
  extent: () => {
    const { response, error } = curve();
    return [Math.min(0, ...response.map((v, i) => v - error[i])), Math.max(...response.map((v, i) => v + error[i]))];
  },
  draw(ctx, { toX, toY }) {
    const { value, response, error } = curve();
    ctx.strokeStyle = ctx.fillStyle = colours.accent;
    ctx.lineWidth = 1.4;
    ctx.beginPath();
    value.forEach((v, i) => ctx.lineTo(toX(v), toY(response[i])));
    ctx.stroke();
    value.forEach((v, i) => {
      segment(ctx, toX(v), toY(response[i] - error[i]), toX(v), toY(response[i] + error[i]));
      ctx.beginPath();
      ctx.arc(toX(v), toY(response[i]), 3, 0, 7);
      ctx.fill();
    });
  },
  read(px, py, { toX }) {
    const { name, value, response, error } = curve();
    const i = value.reduce((best, v, k) => (Math.abs(toX(v) - px) < Math.abs(toX(value[best]) - px) ? k : best), 0);
    return { rows: [[`${name} ${number(value[i])}`], ["response", `${number(response[i], 2)} ± ${number(error[i], 1)} spikes`]] };
  },
});

/** A line over its standard errors: `found` gives [means, errors]. */
const banded = (times, found, { name, colour, unit }) => ({
  name,
  colour,
  extent: () => [0, Math.max(...found()[0].map((v, i) => v + found()[1][i]))],
  draw(ctx, { toX, toY }) {
    const [xs, [means, errors]] = [times(), found()];
    ctx.fillStyle = ctx.strokeStyle = colours[colour];
    ctx.globalAlpha = 0.2;
    ctx.beginPath();
    xs.forEach((x, i) => ctx.lineTo(toX(x), toY(means[i] + errors[i])));
    [...xs.keys()].reverse().forEach((i) => ctx.lineTo(toX(xs[i]), toY(means[i] - errors[i])));
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.lineWidth = 1.4;
    ctx.beginPath();
    xs.forEach((x, i) => ctx.lineTo(toX(x), toY(means[i])));
    ctx.stroke();
  },
  read(px, py, { toX }) {
    const [xs, [means, errors]] = [times(), found()];
    const i = Math.max(0, xs.findLastIndex((x) => toX(x) <= px));
    return { rows: [[name, `${number(means[i], 2)} ± ${number(errors[i], 1)} ${unit}`]] };
  },
});

/** A picture that spans [left, right, top, bottom] in the units of the axes; white takes the colour of the page. */
function picture(source, span, rows, index, plain = true) {
  const images = new Map();
  return {
    draw(ctx, { toX, toY, canvas, box }) {
      if (!images.has(source())) {
        const image = new Image();
        images.set(source(), image);
        image.onload = () => canvas.redraw();
        image.src = source();
      }
      const image = images.get(source());
      if (!image.complete) return;
      const [left, right, top, bottom] = span();
      ctx.imageSmoothingEnabled = false;
      ctx.fillStyle = colours.surface;
      ctx.fillRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
      if (plain) ctx.globalCompositeOperation = colours.dark ? "lighten" : "darken";
      if (plain && colours.dark) ctx.filter = "invert(1)";
      ctx.drawImage(image, toX(left), toY(top), toX(right) - toX(left), toY(bottom) - toY(top));
      ctx.filter = "none";
      ctx.globalCompositeOperation = "source-over";
    },
    read: (px, py, { toX, toY }) => rows && {
      rows: rows(toX.invert(px), toY.invert(py)), ...(index && { index: index(toX.invert(px), toY.invert(py)) }),
    },
  };
}

/** The oracle correlation of each cell against another number; a click selects the cell. */
function reliabilityOf(all, name, x) {
  const kinds = { good: "selected", accent: "other cells", bad: "stand apart" };
  const colour = (i) => (all.outlier[i] ? "bad" : all.selected[i] ? "good" : "accent");
  const used = Object.keys(kinds).filter((kind) => all.roi.some((_, i) => colour(i) === kind));
  $(`oracle-${name}`).append(legend(used.map((kind) => ({ name: kinds[kind], colour: kind }))));
  const values = all[name].map((v) => (v === null || (x.log && v <= 0) ? NaN : v));
  const known = values.filter(Number.isFinite);
  const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0.1, 1];
  const limits = x.log ? { low: low * 0.8, high: high * 1.25 } : { low: low - 0.2, high: high + 0.2 };
  const oracle = all.oracle.map((v) => v ?? NaN);
  const finite = oracle.filter(Number.isFinite);
  return new Chart($(`oracle-${name}`), {
    height: 260, label: `Oracle correlation of each cell against ${x.label}; click one to see its trace.`,
    x: { ...x, ...limits }, y: { label: "oracle correlation", low: Math.min(0, ...finite) - 0.03, high: Math.max(0.1, ...finite) + 0.05 },
    layers: [points(values, oracle, {
      style: (i) => ({ colour: colour(i) }),
      rows: (i) => [[`ROI ${all.roi[i]}`], ["oracle", `${number(all.oracle[i], 2)} ± ${number(all.oracle_error[i], 1)}`],
        ["entropy", `${number(all.entropy[i], 2)} bit`], ["variance", number(all.variance[i], 2)],
        ["explainable", number(all.explainable[i], 2)], ["p", number(all.tuning_p[i], 2)]],
    })],
    pick: (i) => choose(all, all.place[i]),
  });
}

/** Show a cell: here, if it is among the best, and in the trace browser. */
function choose(all, place) {
  const at = all.best.findIndex((cell) => cell.place === place);
  if (at >= 0) {
    $("responding").value = at;
    $("responding").dispatchEvent(new Event("change"));
  }
  select(place);
}

/** Signal correlations of all cells, ordered by clustering. */
function alikeCells(all) {
  const { image, place, r } = all.alike;
  const at = (value) => Math.max(0, Math.min(place.length - 1, Math.floor(value)));
  const roi = (k) => page.rois.roi[place[k]];
  return new Chart($("alike"), {
    height: 284, label: "Signal correlations of cells, ordered by clustering.", left: 50,
    x: { label: "cells, ordered", low: 0, high: place.length }, y: { label: "cells, ordered", low: place.length, high: 0 },
    layers: [picture(() => image, () => [0, place.length, 0, place.length],
      (x, y) => [[`ROI ${roi(at(y))} and ROI ${roi(at(x))}`], ["signal correlation", number(r[at(y)][at(x)], 2)]], (x, y) => place[at(y)], false)],
    pick: (index) => choose(all, index),
  });
}
