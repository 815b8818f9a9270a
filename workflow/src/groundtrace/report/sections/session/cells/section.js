"use strict";
// Map, traces and the selected ROI, with the controls about them.

drawn(async () => {
  if (page.rois.roi.length) await browser();
});

async function browser() {
  const { rois } = page;
  const runs = await unpack(page.footprints.runs, Int32Array);
  const unpacked = async (all) => Object.fromEntries(await Promise.all(Object.entries(all).map(
    async ([name, packed]) => [name, { ...packed, data: await unpack(packed.data) }])));
  const [overview, light] = await Promise.all([unpacked(page.overview), unpacked(page.light)]);
  page.unpacked = overview;
  const background = new Background(page.backgrounds, page.width, () => {
    report.map?.canvas.redraw();
    report.roi?.zoom.redraw();
  });
  await backgroundControls(background, { choice: $("background"), black: $("black"), white: $("white"), reset: $("contrast") });
  report.map = new RoiMap($("map"), {
    rois, runs, footprints: page.footprints, height: page.height, width: page.width, background, onselect: select,
  });
  report.traces = new TraceBrowser($("traces"), {
    rois, duration, frames: page.frames, full: page.full, bad: seconds(page.marks.bad), onselect: select, onstate: describe, overview,
  });
  report.roi = new RoiPanel({
    rois, map: report.map, traces: report.traces, clips: page.clips, diameter: page.diameter, statistics: page.statistics, light,
  });
  const list = () => {
    const wanted = $("show").value;
    const shown = (i) => wanted === "all" || groupOf(rois, i) === wanted || Boolean(report.curation?.shows(wanted, i));
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
  $("outlines").onchange = () => { report.map.outlined = $("outlines").checked; report.map.canvas.redraw(); };
  $("ring").onchange = () => report.roi.zoom.redraw();
  $("cliplines").onchange = () => report.roi.player?.canvas.redraw();
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
    ...(Number.isFinite(rois.scaleError[i]) ? [["scale of dF/F", `± ${number(100 * rois.scaleError[i], 2)} %`]] : []),
    ["mean rate", `${number(rois.rate[i])} ${page.rateUnit}${rois.mayBeSilent[i] ? ", may be silent" : ""}`],
    ...(expectation(rois, i) ? [] : [["expected r", report.traces.known ? "not known" : "not known for this method"]]),
    ["position (y, x)", `${number(rois.y[i])}, ${number(rois.x[i])} px`],
    ...(rois.flags[i].length ? [["caution", rois.flags[i].join(", ")]] : []),
  ];
  $("about").replaceChildren(
    ...rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  $("traces").dataset.selected = rois.roi[i];
}
