"use strict";
// The benchmark's charts are part of the page; there is nothing to draw.

document.body.dataset.ready = "true";
