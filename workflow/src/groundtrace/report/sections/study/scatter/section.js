"use strict";
// Noise against population size.

drawn(scatter);

function scatter() {
  const { cells, noise_level: noise } = columns;
  const recipes = [...new Set(columns.recipe)];
  const palette = ["accent", "spike", "good", "warn", "faint"];
  const positive = (values, least, most) => {
    const found = values.filter((value) => value > 0);
    return { low: Math.min(least, ...found) * 0.8, high: Math.max(most, ...found) * 1.25 };
  };
  const colour = columns.recipe.map((name) => palette[Math.min(recipes.indexOf(name), palette.length - 1)]);
  if (recipes.length > 1) $("scatter").append(legend(recipes.map((name, k) => ({ name, colour: palette[Math.min(k, 4)] }))));
  study.chart = new Chart($("scatter"), {
    height: 300,
    label: "Noise level of each row against its number of cells; click one to open its report.",
    x: { label: "cells", log: true, ...positive(cells, 20, 300) },
    y: { label: "noise level ν", unit: "%/√Hz", log: true, ...positive(noise, 0.7, 8) },
    layers: [
      points(cells.map((n) => n || NaN), noise.map((value) => value || NaN), {
        style: (i) => ({ colour: colour[i], radius: columns.session.length > 500 ? 2.5 : 4, alpha: study.shown[i] ? 0.65 : 0 }),
        rows: (i) => [
          [columns.session[i]], ["plane", String(columns.plane[i])], ["recipe", columns.recipe[i]],
          ["cells", number(cells[i], 9)], ["ν", `${number(noise[i])} %/√Hz`],
        ],
      }),
      curve((n) => Math.sqrt(n / page.referenceCells), `ν = √(n / ${page.referenceCells})`),
    ],
    pick: framed ? undefined : (i) => { location.href = columns.report[i]; },
  });
}
