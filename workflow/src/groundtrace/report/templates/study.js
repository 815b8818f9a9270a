"use strict";
// The study page: sort and filter the rows, noise against population size.

const WHOLE = 400; // Up to so many rows are all in the page; of more only those in view, so that sorting stays fluid.
const ROW = 34; // Their height, px, as in page.css.
const MARGIN = 30; // Rows kept ready above and below the view.

const { columns } = page;
const table = $("study");
const rows = [...table.tBodies[0].rows];
const study = { order: rows.map((_, i) => i), shown: rows.map(() => true), column: null, descending: false };
const words = rows.map((_, i) =>
  ["session", "recipe", "status", "indicator", "reason"].map((name) => columns[name][i]).join(" ").toLowerCase()
  + ` plane-${columns.plane[i]}`);
const collator = new Intl.Collator("en", { numeric: true });

/** Sort by a column; what has no value comes last, whichever the direction. */
function sortBy(column, descending) {
  const values = columns[column];
  const sign = descending ? -1 : 1;
  const compare = (a, b) => {
    if (values[a] === null || values[b] === null) return (values[a] === null) - (values[b] === null);
    return sign * (typeof values[a] === "number" ? values[a] - values[b] : collator.compare(values[a], values[b]));
  };
  Object.assign(study, { column, descending, order: study.order.sort((a, b) => compare(a, b) || a - b) });
  for (const head of table.tHead.rows[0].cells) {
    if (head.dataset.column === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  list();
}

/** Put the rows that are shown into the page, in their order. */
function list() {
  study.listed = study.order.filter((i) => study.shown[i]);
  study.first = -1;
  place();
}

function place() {
  const body = table.tBodies[0];
  const all = study.listed.length;
  let [first, last] = [0, all];
  if (all > WHOLE) {
    const above = Math.floor(-body.getBoundingClientRect().top / ROW) - MARGIN;
    // In leaps of half the margin: not at every pixel that is scrolled.
    first = Math.max(0, Math.min(above - (above % (MARGIN / 2)), all - MARGIN));
    last = Math.min(all, first + Math.ceil(innerHeight / ROW) + 2 * MARGIN);
  }
  if (first === study.first) return;
  study.first = first;
  body.style.paddingTop = `${first * ROW}px`;
  body.style.paddingBottom = `${(all - last) * ROW}px`;
  body.replaceChildren(...study.listed.slice(first, last).map((i) => rows[i]));
}

/** Show the rows that have all the words typed, and the status chosen. */
function filterRows() {
  const wanted = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const status = $("status").value;
  study.shown = rows.map((_, i) =>
    (!status || columns.status[i] === status) && wanted.every((word) => words[i].includes(word)));
  list();
  $("count").textContent = `${number(study.listed.length, 9)} of ${number(rows.length, 9)} rows`;
  $("none").hidden = study.listed.length > 0;
  study.chart.canvas.redraw();
}

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
        style: (i) => ({ colour: colour[i], radius: rows.length > 500 ? 2.5 : 4, alpha: study.shown[i] ? 0.65 : 0 }),
        rows: (i) => [
          [columns.session[i]], ["plane", String(columns.plane[i])], ["recipe", columns.recipe[i]],
          ["cells", number(cells[i], 9)], ["ν", `${number(noise[i])} %/√Hz`],
        ],
      }),
      curve((n) => Math.sqrt(n / page.referenceCells), `ν = √(n / ${page.referenceCells})`),
    ],
    pick: (i) => { location.href = columns.report[i]; },
  });
}

table.tHead.addEventListener("click", (event) => {
  const column = event.target.closest("th")?.dataset.column;
  if (!column) return;
  // First click: names from A, numbers from the largest.
  const numeric = columns[column].some((value) => typeof value === "number");
  sortBy(column, study.column === column ? !study.descending : numeric && column !== "plane");
});
table.tBodies[0].addEventListener("click", (event) => {
  const reason = event.target.closest(".reason button");
  if (reason) reason.ariaExpanded = String(reason.closest("tr").classList.toggle("open"));
});
addEventListener("scroll", place, { passive: true });
addEventListener("resize", place);
$("filter").oninput = $("status").onchange = filterRows;
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== $("filter")) { event.preventDefault(); $("filter").focus(); }
});
scatter();
filterRows();
document.body.dataset.ready = "true";
