"use strict";
// Expected correlations of the accepted ROIs.

drawn(() => {
  if ($("expected")) accuracy(page.rois.expected);
});

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
