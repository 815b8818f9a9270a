"use strict";
// What a person decides about ROIs: the decisions, undo and redo, their file, and what the browser keeps of them.

const WORDS = ["reason", "note", "merge"];
const TSV = ["session", "plane", "roi", "accepted", "reason", "note", "merge", "y", "x", "area", "footprint"];
const KEPT = 500; // steps that can be undone

class Decisions {
  /** given: page.curation; rois: columns of the page's data; outlines: runs [row, first, last] of each ROI. */
  constructor(given, rois, outlines) {
    Object.assign(this, { given, rois, outlines, done: [], undone: [], listeners: [] });
    this.parts = new Map(Object.entries(given.parts).map(([at, parts]) => [Number(at), parts]));
    this.begin();
    this.saved = this.text();
    this.key = ["groundtrace curation", given.session, given.plane, given.recipe, given.content].join(" ");
    this.restore();
    this.show();
  }

  /** As the file has it that the last run read. */
  begin() {
    this.decided = new Map(this.given.decisions.map(({ at, ...decision }) => [at, decision]));
    this.lost = this.given.lost.map((row) => ({ ...row }));
  }

  // --- what holds for a ROI -------------------------------------------------------------------------------------------

  /** Positions that are decided together with a ROI: the parts of one cell. */
  members(i) {
    if (this.parts.has(i)) return this.parts.get(i);
    const merge = this.decided.get(i)?.merge;
    return merge ? [...this.decided].filter(([, one]) => one.merge === merge).map(([at]) => at).sort((a, b) => a - b) : [i];
  }

  /** Whether the last run made a ROI of these parts: its position, else -1. */
  whole(members) {
    return [...this.parts].find(([, parts]) => parts.join() === members.join())?.[0] ?? -1;
  }

  decisionOf(i) {
    return this.decided.get(this.members(i)[0]);
  }

  /** What the page shows of a ROI: {accepted, reason, note, decided, changed, merge}. */
  view(i) {
    const members = this.members(i);
    const one = this.decided.get(members[0]);
    const automatic = this.given.automatic[i];
    const note = members.map((at) => this.decided.get(at)?.note).filter(Boolean).join("; ");
    if (this.parts.has(i)) {
      const apart = !members.every((at) => this.decided.get(at)?.merge && this.decided.get(at).merge === one.merge);
      const accepted = !apart && one.accepted;
      const reason = apart ? "taken apart again: gone after the next run" : accepted ? "" : one.reason || "rejected by hand";
      return { accepted, reason, note, decided: true, changed: true, merge: members };
    }
    if (!one) return { accepted: automatic, reason: this.reasons[i], note: "", decided: false, changed: false, merge: [] };
    const whole = members.length > 1 ? this.whole(members) : -1;
    const accepted = one.accepted && whole < 0;
    const own = this.decided.get(i);
    const reason = whole >= 0 ? `merged into ROI ${this.rois.roi[whole]}`
      : accepted ? "" : own.reason || (automatic ? "rejected by hand" : this.reasons[i] || "rejected by hand");
    const changed = one.accepted !== automatic || members.length > 1;
    return { accepted, reason, note, decided: true, changed, merge: members.length > 1 ? members : [] };
  }

  /** Automatic reasons, where the table still has them. */
  get reasons() {
    this.automaticReasons ??= this.rois.reason.map((reason, i) => this.given.automatic[i] ? "" : this.decided.has(i) ? "not accepted automatically" : reason);
    return this.automaticReasons;
  }

  /** Write what holds into the columns that the whole page draws from. */
  show() {
    void this.reasons;
    this.rois.roi.forEach((_, i) => {
      const { accepted, reason } = this.view(i);
      this.rois.accepted[i] = accepted;
      this.rois.reason[i] = reason;
    });
  }

  counts() {
    const found = { rejected: 0, accepted: 0, merged: 0, notes: 0, confirmed: 0 };
    const merges = new Set();
    for (const [at, one] of this.decided) {
      if (one.note) found.notes++;
      if (one.merge) merges.add(one.merge);
      else if (one.accepted === this.given.automatic[at]) found.confirmed++;
      else found[one.accepted ? "accepted" : "rejected"]++;
    }
    found.merged = merges.size;
    const shown = this.rois.roi.map((_, i) => this.view(i));
    // Parts that become one cell count as one.
    const cells = shown.filter(({ accepted, merge }, i) => accepted && (!merge.length || this.parts.has(i) || merge[0] === i)).length;
    return { ...found, cells, decided: this.decided.size, all: this.given.automatic.length - this.parts.size };
  }

  // --- changes --------------------------------------------------------------------------------------------------------

  /** Make changes [[position, decision or null], …] as one step that can be undone; returns whether anything changed. */
  change(entries, what) {
    const step = entries
      .map(([at, after]) => [at, this.decided.get(at) ?? null, after])
      .filter(([, before, after]) => JSON.stringify(before) !== JSON.stringify(after));
    if (!step.length) return false;
    this.done.push({ step, what });
    if (this.done.length > KEPT) this.done.shift();
    this.undone = [];
    this.apply(step.map(([at, , after]) => [at, after]));
    return true;
  }

  apply(entries) {
    for (const [at, one] of entries) one ? this.decided.set(at, one) : this.decided.delete(at);
    this.settle();
  }

  settle() {
    this.show();
    this.keep();
    this.listeners.forEach((listener) => listener());
  }

  undo() {
    const last = this.done.pop();
    if (!last) return "";
    this.undone.push(last);
    this.apply(last.step.map(([at, before]) => [at, before]));
    return last.what;
  }

  redo() {
    const next = this.undone.pop();
    if (!next) return "";
    this.done.push(next);
    this.apply(next.step.map(([at, , after]) => [at, after]));
    return next.what;
  }

  /** A verdict about ROIs, with those that are parts of the same cells. */
  verdict(chosen, accepted, reason = "", what = "") {
    const all = [...new Set(chosen.flatMap((i) => this.members(i)))];
    const entries = all.map((at) => [at, { reason: "", note: "", merge: "", ...this.decided.get(at), accepted, ...{ reason: accepted ? "" : reason } }]);
    const verb = what || (accepted ? "accepted" : "rejected");
    return this.change(entries, `${this.names(chosen)} ${verb}`);
  }

  /** Many verdicts as one step: [[position, accepted, reason], …]. */
  verdicts(all, what) {
    return this.change(all.map(([at, accepted, reason]) =>
      [at, { note: "", merge: "", ...this.decided.get(at), accepted, reason: accepted ? "" : reason }]), what);
  }

  merge(chosen) {
    const all = [...new Set(chosen.flatMap((i) => this.members(i)))].sort((a, b) => a - b);
    if (all.length < 2) return false;
    const name = String(this.rois.roi[all[0]]);
    return this.change(all.map((at) => [at, { note: "", ...this.decided.get(at), accepted: true, reason: "", merge: name }]),
      `${this.names(all)} merged`);
  }

  split(i) {
    const all = this.members(i);
    return this.change(all.map((at) => [at, { ...this.decided.get(at), accepted: true, merge: "" }]), `${this.names(all)} taken apart`);
  }

  note(i, text) {
    const [first, ...rest] = this.members(i);
    const note = text.replace(/\s+/g, " ").trim();
    const blank = { accepted: this.given.automatic[first], reason: "", note: "", merge: "" };
    return this.change([
      [first, { ...blank, ...this.decided.get(first), note }],
      ...rest.map((at) => [at, { ...this.decided.get(at), note: "" }]),
    ], `note on ${this.names([i])}`);
  }

  /** Back to the automatic verdict. */
  revert(i) {
    return this.change(this.members(i).map((at) => [at, null]), `${this.names([i])} as it was found`);
  }

  /** Every ROI without a decision was looked at, and is as it should be. */
  confirm() {
    const rest = this.given.automatic.map((accepted, at) => [at, accepted]).filter(([at]) => !this.parts.has(at) && !this.decided.has(at));
    return this.change(rest.map(([at, accepted]) => [at, { accepted, reason: "", note: "", merge: "" }]), `${rest.length} confirmed`);
  }

  drop(k) {
    this.lost.splice(k, 1);
    this.settle();
  }

  names(chosen) {
    const numbers = chosen.map((i) => this.rois.roi[i]);
    return numbers.length > 4 ? `${numbers.length} ROIs` : `ROI ${numbers.join(", ")}`;
  }

  // --- file and browser -----------------------------------------------------------------------------------------------

  /** The file, as `groundtrace.curation.file` writes it. */
  text() {
    const { session, plane } = this.given;
    const rows = [...this.decided].map(([at, one]) => {
      const runs = this.outlines[at];
      const area = runs.reduce((sum, [, first, last]) => sum + last - first + 1, 0);
      const mean = (of) => tenths(runs.reduce((sum, run) => sum + of(run) * (run[2] - run[1] + 1), 0) / area);
      const words = { accepted: one.accepted, reason: one.reason, note: one.note, merge: one.merge };
      const footprint = runs.map(([y, first, last]) => `${y}:${first}-${last}`).join(" ");
      return { session, plane, roi: this.rois.roi[at], ...words, y: mean(([y]) => y), x: mean(([, a, b]) => (a + b) / 2), area, footprint };
    });
    rows.sort((a, b) => a.roi - b.roi);
    // Of ROIs that are no more the number is another's now.
    rows.push(...this.lost.map((row) => ({ session, plane, roi: "", ...row, y: tenths(row.y), x: tenths(row.x) })));
    const line = (cells) => `${cells.map(cell).join("\t")}\n`;
    return line(TSV) + rows.map((row) => line(TSV.map((name) => row[name]))).join("");
  }

  get unsaved() {
    return this.text() !== this.saved;
  }

  /** The browser keeps what is not saved; another window of the same page sees it when it is opened. */
  keep() {
    const state = { decided: [...this.decided], lost: this.lost, done: this.done, undone: this.undone, saved: this.saved };
    try { localStorage.setItem(this.key, JSON.stringify(state)); this.kept = true; } catch { this.kept = false; }
  }

  restore() {
    let state;
    try { state = JSON.parse(localStorage.getItem(this.key)); } catch { return; }
    if (!state) return;
    const own = this.text();
    Object.assign(this, { decided: new Map(state.decided), lost: state.lost, done: state.done, undone: state.undone });
    const now = this.text();
    this.restored = now !== own;
    this.saved = now === own ? own : state.saved;
  }

  /** Forget what the browser keeps: the file of the last run holds again. */
  discard() {
    const before = new Map(this.decided);
    this.begin();
    const after = this.decided;
    this.decided = before;
    const all = [...new Set([...before.keys(), ...after.keys()])];
    return this.change(all.map((at) => [at, after.get(at) ?? null]), "back to the file");
  }

  wasSaved(text) {
    this.saved = text;
    this.keep();
    this.listeners.forEach((listener) => listener());
  }
}

/** With one decimal, as Python's side writes it. */
const tenths = (value) => (Math.floor(value * 10 + 0.5) / 10).toFixed(1);

/** A cell of the file. */
const cell = (value) => (/["\t\n\r]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));

/** Runs [row, first, last] of each ROI, from the map's shapes. */
const outlineRuns = (shapes, width) => shapes.map(({ runs }) =>
  runs.map(([first, length]) => [Math.floor(first / width), first % width, (first % width) + length - 1]));
