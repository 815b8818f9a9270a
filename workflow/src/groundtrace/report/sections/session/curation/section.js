"use strict";
// Curation: the dock at the foot of the page, its keys, and what it draws on the map.

drawn(() => {
  if (report.map) report.curation = new Curator(page.curation, page.rois);
});

const MARK = "#ffe14d";
const NEIGHBOUR = 1.6; // cell diameters between two that may be one cell

class Curator {
  constructor(given, rois) {
    Object.assign(this, { given, rois, marked: new Set(), on: false, drawer: "" });
    this.decisions = new Decisions(given, rois, outlineRuns(report.map.shapes, page.width));
    this.decisions.listeners.push(() => this.refresh());
    this.list = new DecisionList(this.decisions, rois);
    this.saver = new Saver(this.decisions, (text) => this.say(text));
    this.rule = new RuleDrawer(this.decisions, rois, () => this.on && this.drawer === "rule", (text) => this.say(text));
    this.joinMap();
    this.joinList();
    this.listen();
    if (this.decisions.restored) this.refresh();
    if (this.decisions.unsaved) this.open("Decisions that you did not save are back. “Back to the file” in the list drops them.");
    else this.describe();
  }

  get selected() {
    return report.selected ?? -1;
  }

  /** What a verdict is about: the marked ROIs with the selected one; or that alone. */
  get chosen() {
    return [...new Set([...this.marked, ...(this.selected >= 0 ? [this.selected] : [])])];
  }

  // --- the rest of the page -------------------------------------------------------------------------------------------

  joinMap() {
    const { map } = report;
    map.overlay = (ctx, scale) => this.draw(ctx, scale);
    map.onmark = (chosen, box) => this.on && this.mark(chosen, box);
    map.onflip = (i) => this.on && this.flip(i);
    report.traces.onmark = (i) => this.on && this.mark([i]);
    const selecting = report.map.select.bind(report.map);
    report.map.select = (i) => { selecting(i); this.describe(); };
  }

  /** More to choose from in the lists above. */
  joinList() {
    const limit = Math.min(...this.given.automatic.map((accepted, i) => (accepted && Number.isFinite(this.rois.probability[i]) ? this.rois.probability[i] : Infinity)));
    const doubt = Number.isFinite(limit) ? limit : 0.5;
    ORDERS.doubt = { name: "doubt", key: (rois, i) => (Number.isFinite(rois.probability[i]) ? Math.abs(rois.probability[i] - doubt) : Infinity) };
    $("order").append(element("option", { value: "doubt" }, "doubtful first"));
    const shows = { open: "not decided yet", curated: "decided by hand", changed: "changed by hand", noted: "with a note" };
    $("show").append(...Object.entries(shows).map(([value, label]) => element("option", { value }, label)));
  }

  /** Whether a ROI is of a group that only curation knows. */
  shows(group, i) {
    const { decided, changed, note } = this.decisions.view(i);
    return { open: !decided, curated: decided, changed, noted: Boolean(note) }[group] ?? false;
  }

  refresh() {
    const { map, roi, traces } = report;
    map.restack();
    map.recolour();
    roi.rows.forEach((row) => row.count());
    if (traces.selected >= 0) roi.describe(traces.selected);
    describe();
    themed.forEach((canvas) => canvas.redraw());
    this.rule.count(false);
    this.describe();
  }

  /** On the map: what was decided, what is joined, what is marked, and what a rule would change. */
  draw(ctx, scale) {
    if (!this.on) return;
    const { map } = report;
    const centre = (i) => [this.rois.x[i] + 0.5, this.rois.y[i] + 0.5];
    ctx.lineCap = "round";
    for (const i of map.order) {
      const { decided, merge } = this.decisions.view(i);
      if (this.rule.preview.has(i)) {
        const colour = MAP_COLOURS[this.rule.preview.get(i) ? "accepted" : "rejected"];
        ctx.lineWidth = 2.2 / scale;
        ctx.globalAlpha = 0.5;
        ctx.fillStyle = colour;
        ctx.fill(map.shapes[i].fill);
        ctx.globalAlpha = 1;
        map.paint(ctx, i, 0, colour);
      }
      if (this.marked.has(i)) {
        ctx.lineWidth = 2.4 / scale;
        map.paint(ctx, i, 0, MARK);
      }
      if (merge.length > 1 && merge[0] === i && this.decisions.whole(merge) < 0) {
        ctx.strokeStyle = "#ffffff";
        ctx.lineWidth = 2.2 / scale;
        ctx.beginPath();
        merge.forEach((at, k) => ctx[k ? "lineTo" : "moveTo"](...centre(at)));
        ctx.stroke();
      }
      if (!decided) continue;
      ctx.fillStyle = MAP_COLOURS[groupOf(this.rois, i)];
      ctx.strokeStyle = "#000000";
      ctx.lineWidth = 1 / scale;
      ctx.beginPath();
      ctx.arc(...centre(i), 3.2 / scale, 0, 2 * Math.PI);
      ctx.fill();
      ctx.stroke();
    }
  }

  // --- open and close -------------------------------------------------------------------------------------------------

  open(told = "") {
    this.on = true;
    $("dock").hidden = false;
    document.body.classList.add("curating");
    $("curate").setAttribute("aria-expanded", "true");
    $("curate").textContent = "Stop curating";
    if ($("show").value === "accepted") { $("show").value = "all"; $("show").onchange(); }
    this.arrange(true);
    this.describe();
    this.say(told || "A accepts, R rejects, ↓ goes on; F for rules. All keys are told under Curation.");
    report.map.canvas.redraw();
  }

  close() {
    this.on = false;
    this.show("");
    this.marked.clear();
    $("dock").hidden = true;
    document.body.classList.remove("curating");
    $("curate").setAttribute("aria-expanded", "false");
    $("curate").textContent = "Curate these ROIs";
    this.arrange(false);
    report.map.canvas.redraw();
  }

  /** While curating, close-up, clip and facts of the ROI stand below its trace; else where they were. */
  arrange(together) {
    this.beside ??= $("traces").closest(".panel").appendChild(element("div", { class: "beside" }));
    this.homes ??= [document.querySelector("#roi .views"), $("about")].map((node) => [node, node.parentNode, node.nextSibling]);
    for (const [node, home, next] of this.homes) {
      if (together) this.beside.append(node); else home.insertBefore(node, next);
    }
    report.traces.least = together ? 380 : undefined;
    report.traces.canvas.fit();
    if (together) document.querySelector("#cells .workspace").scrollIntoView();
  }

  /** Show one of the drawers, or none. */
  show(name) {
    this.drawer = name;
    for (const one of ["rule", "list", "save"]) {
      $(`drawer-${one}`).hidden = one !== name;
      this.button(one).setAttribute("aria-expanded", String(one === name));
    }
    if (name === "list") this.list.draw(this.selected);
    if (name === "rule") $("map").scrollIntoView();
    this.rule.count();
  }

  button(name) {
    return document.querySelector(`#dock [data-do="${name}"]`);
  }

  /** A word about what was done; a question stays until it is answered. */
  say(text, stays = false) {
    clearTimeout(this.fading);
    $("dock-said").textContent = text;
    $("dock-said").classList.toggle("shown", Boolean(text));
    if (!stays) this.fading = setTimeout(() => $("dock-said").classList.remove("shown"), 7000);
  }

  /** The dock: the selected ROI, what can be done, and what was. */
  describe() {
    const { decisions, selected: i } = this;
    const counts = decisions.counts();
    const changes = [
      [counts.rejected, "rejected"], [counts.accepted, "accepted"], [counts.merged, "merged"], [counts.confirmed, "confirmed"],
      [counts.notes, counts.notes === 1 ? "note" : "notes"],
    ].filter(([count]) => count).map(([count, word]) => `${count} ${word}`);
    $("counter").replaceChildren(element("kbd", {}, "L"), `${counts.decided} of ${counts.all}`);
    $("counter").title = `Decided by hand: ${changes.join(", ") || "none"}. ${counts.cells} cells${decisions.unsaved ? "; not saved" : ""}`;
    $("changes").textContent = changes.join(", ") || "nothing decided yet";
    this.button("save").disabled = !decisions.unsaved;
    this.button("undo").disabled = !decisions.done.length;
    this.button("redo").disabled = !decisions.undone.length;
    if (this.drawer === "list") this.list.draw(this.selected);
    if (i < 0) return;
    const { accepted, reason, note, merge } = decisions.view(i);
    const several = this.marked.size && this.chosen.length > 1;
    $("dock-swatch").className = `swatch ${groupOf(this.rois, i)}`;
    $("dock-roi").textContent = several ? `${this.chosen.length} ROIs marked` : `ROI ${this.rois.roi[i]} ${accepted ? "accepted" : "not accepted"}`;
    const found = decisions.parts.has(i) ? `of ROI ${merge.map((at) => this.rois.roi[at]).join(" and ")}` : `found as ${this.given.automatic[i] ? "a cell" : "none"}`;
    const chance = Number.isFinite(this.rois.probability[i]) ? `p ${number(this.rois.probability[i], 2)}` : "";
    $("dock-why").textContent = several ? "A, R, M and D hold for all of them" : [found, chance, reason, note && `“${note}”`].filter(Boolean).join(" · ");
    $("dock-why").title = $("dock-why").textContent;
    this.button("accept").classList.toggle("on", accepted);
    this.button("reject").classList.toggle("on", !accepted);
    const joined = merge.length > 1 && !this.marked.size;
    this.button("merge").querySelector("span").textContent = joined ? "Take apart" : "Merge";
  }

  // --- verdicts -------------------------------------------------------------------------------------------------------

  verdict(accepted, reason = "") {
    const { chosen } = this;
    if (!chosen.length) return;
    const alone = chosen.length === 1;
    this.decisions.verdict(chosen, accepted, reason);
    this.say(`${this.decisions.names(chosen)} ${accepted ? "accepted" : "rejected"}${reason ? `: ${reason}` : ""}`);
    this.marked.clear();
    if (alone) report.traces.step(1); else this.describe();
  }

  flip(i) {
    const accepted = !this.decisions.view(i).accepted;
    this.decisions.verdict([i], accepted);
    this.say(`ROI ${this.rois.roi[i]} ${accepted ? "accepted" : "rejected"}`);
    select(i);
    return true;
  }

  /** Mark ROIs, or take their mark away. box: what was dragged over is marked. */
  mark(chosen, box = false) {
    for (const i of chosen) this.marked.has(i) && !box ? this.marked.delete(i) : this.marked.add(i);
    if (chosen.length === 1 && this.selected < 0) select(chosen[0]);
    this.describe();
    this.say(this.marked.size ? `${this.marked.size} marked; A accepts, R rejects, M merges them` : "no mark left");
    report.map.canvas.redraw();
    return true;
  }

  /** The nearest ROI that may be the same cell: [position, correlation of dF/F]; null where there is none near. */
  neighbour(i) {
    const reach = NEIGHBOUR * page.diameter;
    const near = this.rois.roi.map((_, k) => k).filter((k) => k !== i && !this.decisions.members(i).includes(k)
      && Math.hypot(this.rois.x[k] - this.rois.x[i], this.rois.y[k] - this.rois.y[i]) < reach);
    const alike = near.map((k) => [k, this.correlation(i, k)]).sort((a, b) => b[1] - a[1]);
    return alike[0] ?? null;
  }

  /** Of dF/F, by what the page holds of it for every ROI. */
  correlation(i, k) {
    const { data, samples } = page.unpacked.dff;
    const rows = [i, k].map((at) => data.subarray(at * samples, (at + 1) * samples));
    const known = [...rows[0].keys()].filter((t) => rows[0][t] !== MISSING && rows[1][t] !== MISSING);
    const mean = rows.map((row) => known.reduce((sum, t) => sum + row[t], 0) / known.length);
    let [both, first, second] = [0, 0, 0];
    for (const t of known) {
      const [a, b] = [rows[0][t] - mean[0], rows[1][t] - mean[1]];
      both += a * b; first += a * a; second += b * b;
    }
    return both / Math.sqrt(first * second) || 0;
  }

  /** The other ROI that a merge or a duplicate is about: the marked one; else a suggestion, which takes a second press. */
  partner(doing) {
    const i = this.selected;
    const other = [...this.marked].find((k) => k !== i);
    if (other !== undefined) return other;
    const found = this.neighbour(i);
    if (!found) { this.say("no other ROI is near; Shift-click the other one"); return undefined; }
    this.mark([found[0]]);
    this.say(`${doing} ROI ${this.rois.roi[found[0]]}? dF/F correlates by ${number(found[1], 2)}. The same key again does it; Shift-click another, or Esc.`, true);
    return undefined;
  }

  merge() {
    const i = this.selected;
    if (i < 0) return;
    if (!this.marked.size && this.decisions.members(i).length > 1) {
      this.decisions.split(i);
      this.say("taken apart again");
      return;
    }
    if (this.partner("Merge with") === undefined) return;
    const chosen = [...new Set(this.chosen.flatMap((k) => this.decisions.members(k)))];
    this.marked.clear();
    this.decisions.merge(chosen);
    this.say(`${this.decisions.names(chosen)} are one cell; it gets its own trace in the next run`);
  }

  duplicate() {
    const i = this.selected;
    if (i < 0) return;
    const other = this.partner("A duplicate of");
    if (other === undefined) return;
    const copies = this.chosen.filter((k) => k !== other);
    this.marked.clear();
    this.decisions.verdict(copies, false, `duplicate of ROI ${this.rois.roi[other]}`, "marked as duplicate");
    this.say(`${this.decisions.names(copies)} rejected as a duplicate of ROI ${this.rois.roi[other]}`);
    report.traces.step(1);
  }

  note() {
    if (this.selected < 0) return;
    $("note-form").hidden = false;
    this.say("");
    $("note").value = this.decisions.view(this.selected).note;
    $("note").focus();
    $("note").select();
  }

  endNote(keep) {
    if (keep) this.decisions.note(this.selected, $("note").value);
    $("note-form").hidden = true;
    $("note").blur();
  }

  step(back) {
    const what = back ? this.decisions.undo() : this.decisions.redo();
    this.say(what ? `${back ? "undone" : "again"}: ${what}` : `nothing to ${back ? "undo" : "redo"}`);
  }

  // --- keys and clicks ------------------------------------------------------------------------------------------------

  do(name) {
    const toggle = (drawer) => this.show(this.drawer === drawer ? "" : drawer);
    const actions = {
      accept: () => this.verdict(true), reject: () => this.verdict(false), duplicate: () => this.duplicate(), merge: () => this.merge(),
      note: () => this.note(), undo: () => this.step(true), redo: () => this.step(false), rule: () => toggle("rule"), list: () => toggle("list"),
      save: () => this.save(), close: () => this.escape(), next: () => report.traces.step(1), previous: () => report.traces.step(-1),
    };
    actions[name]();
  }

  save() {
    if (!this.decisions.unsaved) return;
    this.show("save");
    this.saver.save();
  }

  /** Leave what was begun last: a drawer, marks, curation. */
  escape() {
    if (this.drawer) this.show("");
    else if (this.marked.size) { this.marked.clear(); this.describe(); this.say(""); report.map.canvas.redraw(); }
    else this.close();
  }

  listen() {
    $("curate").onclick = () => (this.on ? this.close() : this.open());
    $("dock").addEventListener("click", (event) => {
      const name = event.target.closest("[data-do]")?.dataset.do;
      if (name === "close") this.close(); else if (name) this.do(name);
    });
    $("discard").onclick = () => { this.decisions.discard(); this.say("back to the file; U takes that back"); };
    $("note-form").onsubmit = (event) => { event.preventDefault(); this.endNote(true); };
    $("note").addEventListener("keydown", (event) => { if (event.key === "Escape") this.endNote(false); event.stopPropagation(); });
    document.addEventListener("keydown", (event) => this.key(event), true);
  }

  key(event) {
    if (!this.on || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "checkbox" && event.key !== "Escape") return;
    const letter = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const plain = { a: "accept", r: "reject", d: "duplicate", m: "merge", n: "note", u: "undo", f: "rule", l: "list", s: "save", j: "next", k: "previous",
      ArrowDown: "next", ArrowUp: "previous", Escape: "close" };
    const held = { z: event.shiftKey ? "redo" : "undo", y: "redo", s: "save" };
    const name = (event.ctrlKey || event.metaKey ? held : plain)[letter];
    if (!name) return;
    if (name === "close" && event.target === $("note")) return;
    event.preventDefault();
    event.stopPropagation();
    this.do(name);
  }
}
