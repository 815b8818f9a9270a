"use strict";
// Distributions over the ROIs: noise, skewness, signal against noise.

drawn(() => {
  if (page.rois.roi.length) distributions();
});

function distributions() {
  const { rois } = page;
  histogram("noise", rois.noise, { label: "noise level ν", unit: "%/√Hz" }, [rule(page.noiseWarning, "only bursts")]);
  histogram("skew", rois.skew, { label: "skewness of dF/F" });
  const finite = (values) => values.filter((value) => Number.isFinite(value) && value > 0);
  const limits = (values) => {
    const found = finite(values);
    return found.length ? { low: Math.min(...found) * 0.85, high: Math.max(...found) * 1.15 } : { low: 0.1, high: 10 };
  };
  $("scatter").append(legend(groupsOf(rois).map((group) => ({ name: GROUPS[group], colour: group }))));
  report.scatter = new Chart($("scatter"), {
    height: 205,
    label: "Signal-to-noise ratio of each ROI against its noise level; click one to see its trace.",
    x: { label: "noise level ν", unit: "%/√Hz", log: true, ...limits(rois.noise) },
    y: { label: "SNR", log: true, ...limits(rois.snr) },
    layers: [points(rois.noise.map((v) => v ?? NaN), rois.snr.map((v) => v ?? NaN), {
      style: (i) => ({
        colour: groupOf(rois, i), alpha: rois.accepted[i] ? 0.7 : 0.5,
        ...(i === report.selected && { radius: 6, alpha: 1, ring: true }),
      }),
      rows: (i) => [[`ROI ${rois.roi[i]}`], ...roiRows(rois, i)],
    })],
    pick: select,
  });
}

/** ROIs stacked by group; the 1 % at each end is counted in the outermost bars. */
function histogram(id, values, x, layers = []) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const quantile = (q) => sorted[Math.round(q * (sorted.length - 1))] ?? q;
  const [bottom, top] = [quantile(0.01), quantile(0.99)];
  const count = Math.max(8, Math.min(40, Math.round(2 * Math.sqrt(sorted.length))));
  // One value alone gets bars of a tenth of it, not of nothing.
  const low = top - bottom > 1e-9 ? bottom : bottom - (Math.abs(bottom) || 1) * 0.4;
  const width = (Math.max(top, bottom + (bottom - low)) - low) / count || 1;
  const edges = Array.from({ length: count + 1 }, (_, k) => low + k * width);
  stacked(id, values, x, edges, groupsOf(page.rois).map(
    (group) => ({ name: GROUPS[group], colour: group, holds: (i) => groupOf(page.rois, i) === group })), layers);
}
