"use strict";
// A rule: between which values of which statistics a ROI counts as a cell.

const STEPS = 400; // of a slider
const SLOTS = 44; // of a distribution
const SKEWED = 4; // upper end over median from which a scale of positive values is logarithmic

class Limit {
  /** One statistic with a slider at either end. statistic: {name, label, unit, meaning, values}. */
  constructor(host, statistic, { groups, onchange }) {
    Object.assign(this, { ...statistic, groups, onchange, low: 0, high: STEPS });
    const sorted = this.values.filter(Number.isFinite).sort((a, b) => a - b);
    const quantile = (q) => sorted[Math.round(q * (sorted.length - 1))];
    [this.from, this.to] = [quantile(0.005), quantile(0.995)];
    if (!(this.to > this.from)) this.to = this.from + 1;
    this.logarithmic = this.from > 0 && this.to > SKEWED * quantile(0.5);
    const slider = (end, value) => element("input", { type: "range", min: 0, max: STEPS, value, class: end,
      "aria-label": `${this.label}: ${end === "low" ? "at least" : "at most"}` });
    this.sliders = [slider("low", 0), slider("high", STEPS)];
    this.told = element("output", {});
    const strip = element("div", { class: "strip" });
    this.node = host.appendChild(element("div", { class: "limit", title: this.meaning || "", "data-statistic": this.name },
      element("div", { class: "head" }, element("b", {}, this.label), this.told), strip,
      element("div", { class: "ends" }, ...this.sliders)));
    this.sliders.forEach((one, k) => one.addEventListener("input", () => this.moved(k)));
    this.node.addEventListener("dblclick", () => { this.reset(); this.onchange(); });
    this.canvas = new Canvas(strip, { height: 34, label: `${this.label}: distribution over all ROIs`, draw: (ctx, wide) => this.draw(ctx, wide) });
    this.canvas.node.removeAttribute("tabindex");
    this.tell();
  }

  get active() {
    return this.low > 0 || this.high < STEPS;
  }

  /** Value at a position of the slider; nothing is left out at its ends. */
  at(position) {
    const share = position / STEPS;
    return this.logarithmic ? this.from * (this.to / this.from) ** share : this.from + share * (this.to - this.from);
  }

  /** Where a value lies on the slider, as a share of it. */
  share(value) {
    return this.logarithmic ? Math.log(Math.max(value, 1e-30) / this.from) / Math.log(this.to / this.from) : (value - this.from) / (this.to - this.from);
  }

  moved(k) {
    const [low, high] = this.sliders.map((one) => Number(one.value));
    if (k === 0) this.low = Math.min(low, this.high); else this.high = Math.max(high, this.low);
    this.sync();
    this.onchange();
  }

  reset() {
    [this.low, this.high] = [0, STEPS];
    this.sync();
  }

  sync() {
    [this.sliders[0].value, this.sliders[1].value] = [this.low, this.high];
    this.tell();
    this.canvas.redraw();
  }

  tell() {
    const ends = [this.low > 0 ? `≥ ${number(this.at(this.low))}` : "", this.high < STEPS ? `≤ ${number(this.at(this.high))}` : ""];
    this.told.textContent = ends.some(Boolean) ? `${ends.filter(Boolean).join(", ")} ${this.unit}`.trim() : "any";
    this.node.classList.toggle("active", this.active);
  }

  /** Why a ROI is left out, "" when it is not; undefined where its value is not known. */
  against(i) {
    if (!this.active) return "";
    const value = this.values[i];
    if (!Number.isFinite(value)) return undefined;
    const told = (than, limit) => `${this.label} ${number(value)} ${than} ${number(limit)}`;
    if (this.low > 0 && value < this.at(this.low)) return told("below", this.at(this.low));
    if (this.high < STEPS && value > this.at(this.high)) return told("above", this.at(this.high));
    return "";
  }

  draw(ctx, wide) {
    const counts = { accepted: new Array(SLOTS).fill(0), rejected: new Array(SLOTS).fill(0) };
    this.values.forEach((value, i) => {
      if (!Number.isFinite(value)) return;
      const slot = Math.max(0, Math.min(SLOTS - 1, Math.floor(this.share(value) * SLOTS)));
      counts[this.groups(i) ? "accepted" : "rejected"][slot]++;
    });
    const most = Math.max(1, ...counts.accepted.map((count, k) => count + counts.rejected[k]));
    const [left, width] = [8, wide - 16]; // as the middle of a thumb moves
    const bar = width / SLOTS;
    counts.accepted.forEach((count, k) => {
      const share = ((k + 0.5) / SLOTS) * STEPS;
      ctx.globalAlpha = this.low > 0 && share < this.low || this.high < STEPS && share > this.high ? 0.28 : 1;
      let top = 34;
      for (const group of ["accepted", "rejected"]) {
        const tall = (counts[group][k] / most) * 33;
        ctx.fillStyle = colours[group];
        ctx.fillRect(left + k * bar, top - tall, Math.max(bar - 0.8, 0.8), tall);
        top -= tall;
      }
    });
    ctx.globalAlpha = 1;
  }
}

/** The drawer of rules: what one would change, on the map and as a count, and the change itself. */
class RuleDrawer {
  /** open: whether the drawer is looked at. */
  constructor(decisions, rois, open, say) {
    Object.assign(this, { decisions, rois, open, say, mode: "both", changing: [], preview: new Map() });
    const usable = ruleStatistics(rois, page.statistics).filter(({ values }) => new Set(values.filter(Number.isFinite)).size > 1);
    const shared = { groups: (i) => rois.accepted[i], onchange: () => this.count() };
    this.limits = usable.map((statistic) => new Limit($("limits"), statistic, shared));
    $("rule-mode").onchange = () => { this.mode = $("rule-mode").value; this.count(); };
    $("rule-reset").onclick = () => { this.reset(); this.count(); };
    $("rule-apply").onclick = () => this.apply();
  }

  get active() {
    return this.limits.some((limit) => limit.active);
  }

  reset() {
    this.limits.forEach((limit) => limit.reset());
  }

  /** What the rule says of a ROI: {accepted, reason}; null where it says nothing, as where a value is not known. */
  judge(i) {
    const against = this.limits.map((limit) => limit.against(i));
    const reason = against.find(Boolean);
    const accepted = reason === undefined;
    if (accepted && against.includes(undefined)) return null;
    if (this.mode === "reject" && accepted || this.mode === "accept" && !accepted) return null;
    return { accepted, reason: reason ?? "" };
  }

  /** Count and show what the rule would change. Decisions by hand stay. */
  count(redraw = true) {
    this.changing = [];
    if (this.open() && this.active) {
      const { decisions } = this;
      const all = this.rois.roi.map((_, i) => i).filter((i) => !decisions.parts.has(i));
      const judged = all.map((i) => [i, this.judge(i)]);
      const unknown = judged.filter(([i, verdict]) => !verdict && this.limits.some((limit) => limit.against(i) === undefined)).length;
      const changing = judged.filter(([i, verdict]) => verdict && verdict.accepted !== this.rois.accepted[i]);
      const own = changing.filter(([i]) => decisions.decided.has(i));
      this.changing = changing.filter(([i]) => !decisions.decided.has(i)).map(([i, { accepted, reason }]) => [i, accepted, reason]);
      const gained = this.changing.filter(([, accepted]) => accepted).length;
      const cells = decisions.counts().cells + gained - (this.changing.length - gained);
      $("rule-count").textContent = [
        `${cells} cells: ${this.changing.length - gained} would be rejected, ${gained} accepted`,
        own.length ? `${own.length} decided by hand stay` : "", unknown ? `${unknown} not known, left alone` : "",
      ].filter(Boolean).join("; ");
    } else {
      $("rule-count").textContent = "Move a slider; the map shows what would change. Double click takes a limit away.";
    }
    this.preview = new Map(this.changing.map(([i, accepted]) => [i, accepted]));
    $("rule-apply").disabled = !this.changing.length;
    if (!redraw) return;
    report.map.canvas.redraw();
    this.limits.forEach((limit) => limit.canvas.redraw());
  }

  apply() {
    const count = this.changing.length;
    if (!count) return;
    this.decisions.verdicts(this.changing, `a rule for ${count} ROIs`);
    this.reset();
    this.count();
    this.say(`${count} verdicts by rule; U takes them back`);
  }
}

/** Every number that is known of ROIs, the ones that matter most first. */
function ruleStatistics(rois, statistics) {
  const own = [
    { name: "cell_probability", label: "cell probability", unit: "", meaning: "share of ROIs like this one that are cells", values: rois.probability },
    { name: "trace_snr", label: "SNR of dF/F", unit: "", meaning: "99th percentile of dF/F over its noise", values: rois.snr },
    { name: "noise_level", label: "noise level ν", unit: "%/√Hz", meaning: "standardized noise of dF/F", values: rois.noise },
    { name: "expected_correlation", label: "expected correlation", unit: "", meaning: "with the true spike rate", values: rois.expected },
    { name: "mean_rate", label: "mean spike rate", unit: "Hz", meaning: "mean of the inferred rate", values: rois.rate },
    { name: "area", label: "area", unit: "px", meaning: "number of pixels of the outline", values: rois.area },
  ];
  return [...own, ...statistics];
}
