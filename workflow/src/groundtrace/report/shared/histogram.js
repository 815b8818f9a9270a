"use strict";
// Histograms of what is known of each ROI.

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
