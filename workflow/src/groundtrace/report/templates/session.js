"use strict";
// The session page: one selected ROI shared by map, traces, raster and scatter; charts of the recording.

const duration = page.frames / page.frameRate;
const seconds = (intervals) => intervals.map(([first, after]) => [first / page.frameRate, after / page.frameRate]);
const report = {}; // the parts of the page, for the console and the tests

async function start() {
  comparison();
  const time = new Range(0, duration, 20 / page.frameRate);
  await recordingCharts(time);
  if (page.rois.roi.length) {
    distributions();
    await browser();
  }
  if (page.raster) raster(new Range(0, duration, 20 / page.frameRate));
  document.body.dataset.ready = "true";
}

// --- cells ----------------------------------------------------------------------------------------------------------

async function browser() {
  const { rois } = page;
  const runs = await unpack(page.footprints.runs, Int32Array);
  const overview = Object.fromEntries(await Promise.all(Object.entries(page.overview).map(
    async ([name, packed]) => [name, { ...packed, data: await unpack(packed.data) }])));
  report.map = new RoiMap($("map"), {
    rois, runs, footprints: page.footprints, height: page.height, width: page.width, image: page.images.after, onselect: select,
  });
  report.traces = new TraceBrowser($("traces"), {
    rois, duration, frames: page.frames, full: page.full, bad: seconds(page.marks.bad), onselect: select, onstate: describe, overview,
  });
  const list = () => {
    const wanted = $("show").value;
    const shown = (i) => wanted === "all" || rois.accepted[i] === (wanted === "accepted");
    report.map.filter(shown);
    report.traces.sort($("order").value, shown);
  };
  $("show").value = rois.accepted.some(Boolean) ? "accepted" : "all";
  $("show").onchange = $("order").onchange = list;
  $("rows").onchange = () => { report.traces.rows = Number($("rows").value); report.traces.canvas.fit(); };
  $("scale").onchange = () => { report.traces.sameScale = $("scale").checked; report.traces.canvas.redraw(); };
  $("reset").onclick = () => report.traces.range.reset();
  $("previous").onclick = () => report.traces.step(-1);
  $("next").onclick = () => report.traces.step(1);
  $("colour").onchange = () => report.map.recolour($("colour").value);
  $("filled").onchange = () => { report.map.filled = $("filled").checked; report.map.canvas.redraw(); };
  const keys = { ArrowDown: 1, ArrowUp: -1, PageDown: "page", PageUp: "-page", ArrowRight: 1, ArrowLeft: -1 };
  for (const [canvas, sideways] of [[report.traces.canvas, false], [report.map.canvas, true]]) {
    canvas.node.addEventListener("keydown", (event) => {
      let by = keys[event.key];
      if (by === undefined || (!sideways && /Left|Right/.test(event.key))) return;
      if (typeof by === "string") by = by === "page" ? report.traces.rows : -report.traces.rows;
      event.preventDefault();
      report.traces.step(by);
    });
  }
  list();
}

/** Select a ROI, by its position, everywhere. */
function select(i) {
  report.selected = i;
  report.map?.select(i);
  report.traces?.select(i);
  report.scatter?.canvas.redraw();
  report.raster?.canvas.redraw();
}

/** Say which ROI is selected, what is known of it, and how much of its trace the page holds. */
function describe() {
  const { rois } = page;
  const { order, selected: i, by } = report.traces ?? {};
  if (i === undefined || i < 0) {
    $("place").textContent = "no ROI to show";
    $("about").replaceChildren();
    return;
  }
  $("place").textContent = `ROI ${rois.roi[i]}: ${order.indexOf(i) + 1} of ${order.length} by ${ORDERS[by].name}`;
  const bins = page.overview.dff.samples / 2;
  $("detail").textContent = report.traces.complete(i)
    ? "every frame is shown"
    : `shown as an envelope only: smallest and largest value of every ${number(page.frames / bins, 2)} frames`;
  $("detail").classList.toggle("envelope", !report.traces.complete(i));
  const rows = [
    ...roiRows(rois, i),
    ["skew", number(rois.skew[i])],
    ["mean rate", `${number(rois.rate[i])} Hz`],
    ...(expectation(rois, i) ? [] : [["expected r", report.traces.known ? "not known" : "not known for this method"]]),
    ["position (y, x)", `${number(rois.y[i])}, ${number(rois.x[i])} px`],
    ...(rois.flags[i].length ? [["caution", rois.flags[i].join(", ")]] : []),
  ];
  $("about").replaceChildren(
    ...rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  $("traces").dataset.selected = rois.roi[i];
}

// --- distributions --------------------------------------------------------------------------------------------------

function distributions() {
  const { rois } = page;
  histogram("noise", rois.noise, { label: "noise level ν", unit: "%/√Hz" }, [rule(page.noiseWarning, "only bursts")]);
  histogram("skew", rois.skew, { label: "skewness of dF/F" });
  if ($("expected")) accuracy(rois.expected);
  const finite = (values) => values.filter((value) => Number.isFinite(value) && value > 0);
  const limits = (values) => {
    const found = finite(values);
    return found.length ? { low: Math.min(...found) * 0.85, high: Math.max(...found) * 1.15 } : { low: 0.1, high: 10 };
  };
  $("scatter").append(legend([{ name: "accepted", colour: "accent" }, { name: "rejected", colour: "faint" }]));
  report.scatter = new Chart($("scatter"), {
    height: 205,
    label: "Signal-to-noise ratio of each ROI against its noise level; click one to see its trace.",
    x: { label: "noise level ν", unit: "%/√Hz", log: true, ...limits(rois.noise) },
    y: { label: "SNR", log: true, ...limits(rois.snr) },
    layers: [points(rois.noise.map((v) => v ?? NaN), rois.snr.map((v) => v ?? NaN), {
      style: (i) => ({
        colour: rois.accepted[i] ? "accent" : "faint", alpha: rois.accepted[i] ? 0.7 : 0.5,
        ...(i === report.selected && { radius: 6, alpha: 1, ring: true }),
      }),
      rows: (i) => [[`ROI ${rois.roi[i]}`], ...roiRows(rois, i)],
    })],
    pick: select,
  });
}

/** Accepted and rejected ROIs stacked; the 1 % at each end is counted in the outermost bars. */
function histogram(id, values, x, layers = []) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const quantile = (q) => sorted[Math.round(q * (sorted.length - 1))] ?? q;
  const [bottom, top] = [quantile(0.01), quantile(0.99)];
  const count = Math.max(8, Math.min(40, Math.round(2 * Math.sqrt(sorted.length))));
  // One value alone gets bars of a tenth of it, not of nothing.
  const low = top - bottom > 1e-9 ? bottom : bottom - (Math.abs(bottom) || 1) * 0.4;
  const width = (Math.max(top, bottom + (bottom - low)) - low) / count || 1;
  const edges = Array.from({ length: count + 1 }, (_, k) => low + k * width);
  stacked(id, values, x, edges, [
    { name: "accepted", colour: "accent", holds: (i) => page.rois.accepted[i] },
    { name: "rejected", colour: "faint", holds: (i) => !page.rois.accepted[i] },
  ], layers);
}

/** Expected correlations of the accepted ROIs, in steps of 0.05, those that reach the accuracy wanted set apart. */
function accuracy(values) {
  const wanted = page.accuracy;
  const { accepted } = page.rois;
  const low = Math.floor(20 * Math.min(0, ...values.filter((value, i) => accepted[i] && Number.isFinite(value))));
  const edges = Array.from({ length: 21 - low }, (_, k) => (low + k) / 20);
  stacked("expected", values, { label: "correlation expected with the true spike rate" }, edges, [
    { name: `at least ${number(wanted)}`, colour: "accent", holds: (i) => accepted[i] && values[i] >= wanted },
    { name: `below ${number(wanted)}`, colour: "faint", holds: (i) => accepted[i] && values[i] < wanted },
  ], [rule(wanted, "wanted", "ink")], "cells");
}

/** A histogram over bins of equal width; each value counts in the first group that holds it. */
function stacked(id, values, x, edges, groups, layers, counted = "ROIs") {
  const last = edges.length - 2;
  const width = (edges[last + 1] - edges[0]) / (last + 1);
  const counts = groups.map(() => new Array(last + 1).fill(0));
  values.forEach((value, i) => {
    const group = Number.isFinite(value) ? groups.findIndex(({ holds }) => holds(i)) : -1;
    if (group >= 0) counts[group][Math.max(0, Math.min(last, Math.floor((value - edges[0]) / width + 1e-6)))]++;
  });
  const filled = groups.map((group, k) => ({ ...group, counts: counts[k] }));
  $(id).append(legend(filled));
  report[id] = new Chart($(id), {
    height: 205, label: `Histogram of ${x.label}`, x: { ...x, low: edges[0], high: edges[last + 1] },
    y: { label: counted, low: 0, whole: true }, layers: [bars(edges, filled), ...layers],
  });
}

function raster(time) {
  const { order, rows, columns, binSeconds } = page.raster;
  const image = new Image();
  const cell = (py, { toY }) => order[Math.max(0, Math.min(order.length - 1, Math.floor(toY.invert(py))))];
  const layer = {
    draw(ctx, { toX, toY, box }) {
      if (!image.complete) return;
      ctx.fillStyle = colours.surface;
      ctx.fillRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
      // White is silent: it takes the colour of the page, so that only activity stands out.
      ctx.globalCompositeOperation = colours.dark ? "lighten" : "darken";
      if (colours.dark) ctx.filter = "invert(1)";
      ctx.imageSmoothingEnabled = toX(binSeconds) - toX(0) < 3;
      const [left, right] = [toX(0), toX(columns * binSeconds)];
      ctx.drawImage(image, 0, 0, columns, rows, left, box.top, right - left, box.bottom - box.top);
      ctx.filter = "none";
      ctx.globalCompositeOperation = "source-over";
      const at = order.indexOf(report.selected);
      if (at < 0) return;
      ctx.fillStyle = colours.spike;
      ctx.fillRect(box.left, toY(at), 7, Math.max(3, toY(at + 1) - toY(at)));
    },
    read: (px, py, chart) => ({ rows: [["ROI", String(page.rois.roi[cell(py, chart)])]], index: cell(py, chart) }),
  };
  report.raster = new Chart($("raster"), {
    height: Math.max(180, Math.min(460, 60 + order.length * 3)),
    label: "Raster of the spike rates of all cells; click a row to see its trace.",
    x: { label: "time", unit: "s", range: time }, y: { label: "cells, sorted", whole: true, low: order.length, high: 0 },
    layers: [layer], pick: select,
  });
  image.onload = () => report.raster.canvas.redraw();
  image.src = page.raster.image;
}

// --- the recording --------------------------------------------------------------------------------------------------

async function recordingCharts(range) {
  const { bad, blank, dropped, saturated } = page.marks;
  const load = (packed) => packed && Series.from(packed, duration);
  const [y, x, block, correlation, brightness] = await Promise.all(
    [page.shifts.y, page.shifts.x, page.shifts.block, page.correlation, page.brightness].map(load));
  const lanes = [{ name: "bad frame", colour: "bad", intervals: seconds(bad) }];
  const time = { label: "time", unit: "s", range };
  report.shifts = new Chart($("shifts"), {
    height: 210, label: "Displacement over time", x: time, y: { label: "displacement", unit: "px" }, lanes,
    layers: [
      ...(block ? [line(block, { name: "largest block beyond (y, x)", colour: "faint", unit: "px" })] : []),
      line(y, { name: "y, down", unit: "px" }), line(x, { name: "x, right", colour: "spike", unit: "px" }),
    ],
  });
  report.correlation = new Chart($("correlation"), {
    height: 160, label: "Correlation of registered frames with the template", x: time, y: { label: "correlation" },
    lanes, layers: [line(correlation, { name: "correlation with the template", colour: "good" })],
  });
  report.brightness = new Chart($("brightness"), {
    height: 190, label: "Mean brightness of the raw frames", x: time, y: { label: "brightness" },
    lanes: [
      { name: "blank", colour: "bad", intervals: seconds(blank) },
      { name: "dropped", colour: "warn", intervals: seconds(dropped) },
      { name: "saturated", colour: "spike", intervals: seconds(saturated) },
    ],
    layers: [line(brightness, { name: "mean of the frame" })],
  });
}

/** Raw against registered mean image: side by side, under a slider, or in turn. */
function comparison() {
  const host = $("compare");
  $("before").src = page.images.before;
  $("after").src = page.images.after;
  let blinking;
  const mode = (name) => {
    clearInterval(blinking);
    host.dataset.mode = name;
    host.classList.remove("swapped");
    if (name === "flicker") blinking = setInterval(() => host.classList.toggle("swapped"), 600);
  };
  document.querySelectorAll("input[name=mode]").forEach((input) => {
    input.onchange = () => mode(input.value);
    if (input.checked) mode(input.value);
  });
  $("wipe").oninput = () => host.style.setProperty("--wipe", `${$("wipe").value}%`);
}

start().catch((error) => {
  document.body.prepend(element("p", { class: "panel" },
    `The charts could not be drawn (${error.message}). Open this page in a browser of 2023 or later.`));
  throw error;
});
