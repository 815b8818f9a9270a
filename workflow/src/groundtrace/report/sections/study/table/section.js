"use strict";
// Sort and filter the rows.

const WHOLE = 400; // Up to so many rows are all in the page; of more only those in view, so that sorting stays fluid.
const ROW = 34; // Their height, px, as in section.css.
const MARGIN = 30; // Rows kept ready above and below the view.

const table = $("study");
const rows = [...table.tBodies[0].rows];
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
  study.chart?.canvas.redraw();
}

drawn(() => {
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
  filterRows();
});
