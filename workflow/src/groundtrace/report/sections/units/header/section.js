"use strict";
// Other sections select cells; here there is nothing else to show of one.

function select(i) {
  report.selected = i;
}
