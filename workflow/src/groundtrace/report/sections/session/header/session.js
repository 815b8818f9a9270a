"use strict";
// Shared by the sections of the session page: time, the groups of ROIs, and which ROI is selected.

const duration = page.frames / page.frameRate;
const seconds = (intervals) => intervals.map(([first, after]) => [first / page.frameRate, after / page.frameRate]);
const timeRange = () => Object.assign(new Range(0, duration, 20 / page.frameRate), { borders: page.borders });
const recorded = timeRange(); // what charts of the recording show of it

const GROUPS = { accepted: "accepted", rejected: "rejected", silent: "visible, silent" };

/** Accepted or rejected by its activity, or a cell of the mean image that never fires. */
const groupOf = (rois, i) => (rois.accepted[i] ? "accepted" : rois.silent[i] ? "silent" : "rejected");

/** Groups that have any ROI. */
const groupsOf = (rois) => Object.keys(GROUPS).filter(
  (group) => group !== "silent" || rois.silent.some((silent, i) => silent && !rois.accepted[i]));

/** Select a ROI, by its position, everywhere. */
function select(i) {
  report.selected = i;
  report.map?.select(i);
  report.traces?.select(i);
  report.roi?.select(i);
  report.scatter?.canvas.redraw();
  report.raster?.canvas.redraw();
}

/** What is known of a ROI, as [name, value]. */
function roiRows(rois, i) {
  return [
    ["ν", `${number(rois.noise[i])} %/√Hz`],
    ["SNR", number(rois.snr[i])],
    ...(expectation(rois, i) ? [["expected r", expectation(rois, i).join(", ")]] : []),
    ...(Number.isFinite(rois.axial[i]) ? [[page.axialLabel, `${number(100 * rois.axial[i], 2)} ± ${number(100 * rois.axialError[i], 2)} %`]] : []),
    ["area", `${rois.area[i]} px`],
    ["cell probability", number(rois.probability[i], 2)],
    ["status", GROUPS[groupOf(rois, i)]],
  ];
}

/** The correlation expected with the true spike rate, and its interval; null where it is not known. */
function expectation({ expected, expectedLow, expectedHigh }, i) {
  if (!Number.isFinite(expected[i])) return null;
  const [value, low, high] = [expected, expectedLow, expectedHigh].map((all) => all[i].toFixed(2).replace("-", "−"));
  return [value, `${low} to ${high}`];
}
