"use strict";
// The drawer that lists what was decided.

class DecisionList {
  constructor(decisions, rois) {
    Object.assign(this, { decisions, rois });
    $("confirm").onclick = () => decisions.confirm();
  }

  /** selected: position of the ROI that is looked at. */
  draw(selected) {
    const { decisions } = this;
    const rows = [...decisions.decided.keys()].sort((a, b) => a - b).map((at) => this.row(at, at === selected));
    $("decisions").replaceChildren(...decisions.lost.map((one, k) => this.lost(one, k)), ...rows);
    const { decided, all, cells } = decisions.counts();
    $("list-count").textContent = `${decided} of ${all} ROIs decided by hand; ${cells} cells`;
    $("confirm").textContent = `I looked at the other ${all - decided}: keep them`;
    $("confirm").disabled = decided === all;
  }

  row(at, selected) {
    const { decisions, rois } = this;
    const one = decisions.decided.get(at);
    const others = decisions.members(at).filter((k) => k !== at).map((k) => rois.roi[k]);
    const merged = one.merge ? `one cell with ${others.join(", ")}` : "";
    return tableRow([
      [this.button(rois.roi[at], () => select(at))], this.verdict(decisions.given.automatic[at]), this.verdict(one.accepted),
      [[merged, one.reason].filter(Boolean).join("; ")], [one.note], [this.button("as found", () => decisions.revert(at))],
    ], selected ? { class: "selected" } : {});
  }

  /** A decision about a ROI that is no more. */
  lost(one, k) {
    return tableRow([
      ["gone"], [`y ${number(one.y)}, x ${number(one.x)}`], this.verdict(one.accepted),
      [["no ROI of this extraction is there", one.reason].filter(Boolean).join("; ")], [one.note],
      [this.button("forget", () => this.decisions.drop(k))],
    ]);
  }

  verdict(accepted) {
    return [element("i", { class: `dot ${accepted ? "accepted" : "rejected"}` }), accepted ? "cell" : "no cell"];
  }

  button(label, act) {
    const made = element("button", { type: "button" }, label);
    made.onclick = act;
    return made;
  }
}

/** A row of a table; one list of what is in it for each cell. */
function tableRow(contents, attributes = {}) {
  return element("tr", attributes, ...contents.map((content) => element("td", {}, ...content)));
}
