"use strict";
// The last script of every page: what its sections have to draw, from the top down.

/** Inside another page, as in Snakemake's report, other pages are not where links look for them. */
const framed = window !== window.top;

function unlink() {
  const links = document.querySelectorAll("a[href]:not([href^='#'])");
  links.forEach((link) => link.replaceWith(...link.childNodes));
  if (links.length) document.querySelector("header.page").append(element("p", { class: "hint" },
    "Links to other pages and logs work in the folder of results, not inside this report."));
}

(async () => {
  if (framed) unlink();
  for (const draw of drawings) await draw();
  document.body.dataset.ready = "true";
})().catch((error) => {
  document.body.prepend(element("p", { class: "panel" },
    `The charts could not be drawn (${error.message}). Open this page in a browser of 2023 or later.`));
  throw error;
});
