"use strict";
// The trace browser: dF/F and spike rate of several ROIs over a common time axis.

const ORDERS = {
  snr: { name: "SNR", key: (rois, i) => -(rois.snr[i] ?? -Infinity) },
  roi: { name: "number", key: (rois, i) => rois.roi[i] },
  noise: { name: "ν", key: (rois, i) => rois.noise[i] ?? Infinity },
  probability: { name: "cell probability", key: (rois, i) => -(rois.probability[i] ?? -Infinity) },
  energy: { name: "activity", key: (rois, i) => -(rois.energy[i] ?? -Infinity) },
  axial: { name: page.axialLabel, key: (rois, i) => -(rois.axial[i] ?? -Infinity) },
  expected: { name: "expected correlation", key: (rois, i) => -(rois.expected[i] ?? -Infinity) },
};

class TraceBrowser {
  /** overview: {dff, rate, maybe rate_low and rate_high} of all ROIs unpacked; full: packed traces by position. */
  constructor(host, { rois, overview, full, duration, frames, bad, onselect, onstate }) {
    Object.assign(this, { rois, overview, full, duration, frames, bad, onselect, onstate });
    this.range = Object.assign(new Range(0, duration, (20 * duration) / frames), { borders: page.borders });
    this.rows = 6;
    this.sameScale = false;
    this.selected = -1;
    this.cache = new Map();
    this.known = rois.expected.some(Number.isFinite);
    this.margin = { left: 74, right: this.known ? 90 : 14, top: 6, bottom: 40 };
    this.canvas = new Canvas(host, {
      height: () => Math.max(this.least ?? 560, this.rows * 34),
      label: "Traces of dF/F and spike rate. Up and down go to the next ROI, left and right pan, plus and minus zoom.",
      draw: (ctx, width, height) => this.draw(ctx, width, height),
    });
    this.range.attach(this.canvas, () => this.plot());
    this.listen();
    this.sort("snr", () => true);
  }

  plot() {
    return { left: this.margin.left, width: this.canvas.width - this.margin.left - this.margin.right };
  }

  /** Order of the ROIs, and which of them are listed. */
  sort(by, shown) {
    const key = [...this.rois.roi.keys()].map((i) => ORDERS[by].key(this.rois, i));
    this.by = by;
    this.order = [...key.keys()].filter(shown).sort((a, b) => (key[a] < key[b] ? -1 : key[a] > key[b] ? 1 : a - b));
    if (this.order.length) this.onselect(this.order.includes(this.selected) ? this.selected : this.order[0]);
    else this.onselect(-1);
  }

  select(i) {
    this.selected = i;
    this.onstate();
    this.canvas.redraw();
  }

  /** Select the ROI that many places further in the order. */
  step(by) {
    if (!this.order.length) return;
    const at = Math.max(0, Math.min(this.order.length - 1, this.order.indexOf(this.selected) + by));
    this.onselect(this.order[at]);
  }

  /** The ROIs on the page of the selected one. */
  visible() {
    const at = Math.max(0, this.order.indexOf(this.selected));
    const first = Math.min(at - (at % this.rows), Math.max(0, this.order.length - this.rows));
    return this.order.slice(first, first + this.rows);
  }

  /** Series of a ROI: at full resolution once that is unpacked, the envelope until then. */
  series(i) {
    const found = this.cache.get(i);
    if (found) return found;
    const row = ({ data, samples, steps }) =>
      new Series(data.subarray(i * samples, (i + 1) * samples), steps[i], this.duration);
    const envelope = Object.fromEntries(Object.entries(this.overview).map(([name, all]) => [name, row(all)]));
    this.cache.set(i, envelope);
    if (this.full[i]) this.unpackFull(i);
    return envelope;
  }

  async unpackFull(i) {
    const packed = Object.entries(this.full[i]);
    const series = await Promise.all(packed.map(([, one]) => Series.from(one, this.duration)));
    this.cache.set(i, Object.fromEntries(packed.map(([name], k) => [name, series[k]])));
    this.canvas.redraw();
    this.onfull?.(i);
  }

  /** Whether what is drawn of this ROI is every frame. */
  complete(i) {
    return i in this.full || this.overview.dff.samples >= this.frames;
  }

  draw(ctx, width, height) {
    const { left, right, top, bottom } = this.margin;
    const visible = this.visible();
    const { start, end } = this.range;
    this.toX = scale(start, end, left, width - right);
    this.band = (height - top - bottom) / Math.max(visible.length, 1);
    const limits = visible.map((i) => this.limits(i, start, end));
    if (this.sameScale) shareLimits(limits);
    ctx.fillStyle = colours.bad;
    ctx.globalAlpha = 0.16;
    for (const [first, after] of this.bad) {
      const from = Math.max(left, this.toX(first));
      const to = Math.min(width - right, this.toX(after));
      if (to > left && from < width - right) ctx.fillRect(from, top, Math.max(to - from, 1), height - top - bottom);
    }
    ctx.globalAlpha = 1;
    drawBorders(ctx, this.range, this.toX, top, height - bottom);
    visible.forEach((i, row) => this.drawRow(ctx, i, top + row * this.band, limits[row], width));
    this.timeAxis(ctx, width, height);
    if (this.canvas.selection) shade(ctx, this.canvas.selection, top, height - bottom);
    else if (this.pointer) crosshair(ctx, this.pointer[0], top, height - bottom);
  }

  limits(i, start, end) {
    const { dff, rate, rate_high: upper } = this.series(i);
    const [low, high] = dff.extent(start, end);
    const top = Math.max(rate.extent(start, end)[1], upper ? upper.extent(start, end)[1] : 0);
    return { low, high, top: top > 0 ? top : 1 };
  }

  /** One ROI: its number, dF/F in the upper two thirds, the spike rate in the rest. */
  drawRow(ctx, i, top, { low, high, top: most }, width) {
    const { left, right } = this.margin;
    const pad = Math.min(6, this.band * 0.07);
    const [split, foot] = [top + this.band * 0.66, top + this.band - pad];
    if (i === this.selected) {
      ctx.fillStyle = colours.accent;
      ctx.fillRect(0, top + 2, 3, this.band - 4);
      ctx.globalAlpha = 0.06;
      ctx.fillRect(3, top + 2, width - right - 3, this.band - 4);
      ctx.globalAlpha = 1;
    }
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    ctx.fillStyle = colours.ink;
    ctx.font = `600 ${ctx.font.replace(/^\d+ (?=\d)/, "")}`;
    ctx.fillText(this.rois.roi[i], 9, top + 5);
    ctx.font = ctx.font.replace(/^600 /, "");
    const empty = !(low <= high);
    const toY = scale(empty ? 0 : low, empty ? 1 : high === low ? low + 1 : high, split - pad / 2, top + pad);
    const toRate = scale(0, most, foot, split + pad / 2);
    this.valueAxis(ctx, toY, low, high, toRate, most, top);
    this.accuracy(ctx, i, top, width - right + 8);
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width - left - right, this.band);
    ctx.clip();
    const { dff, rate, rate_low: lower, rate_high: upper } = this.series(i);
    const wide = width - left - right;
    if (lower && upper) this.interval(ctx, lower, upper, toRate);
    ctx.fillStyle = ctx.strokeStyle = colours.spike;
    ctx.lineWidth = 1;
    ctx.beginPath();
    rate.trace(ctx, this.toX, toRate, this.range.start, this.range.end, wide);
    ctx.stroke();
    ctx.strokeStyle = colours.accent;
    ctx.lineWidth = this.rows > 12 ? 0.8 : 1.1;
    ctx.lineJoin = "round";
    ctx.beginPath();
    dff.trace(ctx, this.toX, toY, this.range.start, this.range.end, wide);
    ctx.stroke();
    ctx.restore();
    if (empty) {
      ctx.fillStyle = colours.muted;
      ctx.fillText("no usable dF/F: its baseline is not above zero", left + 10, top + 8);
    }
    ctx.strokeStyle = colours.line;
    segment(ctx, left, Math.round(top + this.band) - 0.5, width - right, Math.round(top + this.band) - 0.5);
  }

  /** The predictive interval as a band: in each column of pixels as wide as any of its frames has it. */
  interval(ctx, lower, upper, toRate) {
    const { left, width } = this.plot();
    const frameAt = (px) => Math.floor(this.toX.invert(px) / upper.spacing + 1e-6);
    ctx.beginPath();
    for (let px = left; px < left + width; px++) {
      const first = Math.max(0, frameAt(px));
      const after = Math.min(upper.integers.length, Math.max(first + 1, frameAt(px + 1)));
      const [low, high] = [lower.extremes(first, after)[0], upper.extremes(first, after)[1]];
      if (low > high) continue;
      const above = toRate(high * upper.step);
      ctx.rect(px, above, 1, Math.max(1, toRate(low * lower.step) - above));
    }
    ctx.globalAlpha = 0.32;
    ctx.fillStyle = colours.spike;
    ctx.fill();
    ctx.globalAlpha = 1;
  }

  /** Beside the traces: the correlation expected with the true spike rate, and its interval. */
  accuracy(ctx, i, top, x) {
    if (!this.known) return;
    const [value, interval] = expectation(this.rois, i) ?? [];
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    ctx.fillStyle = colours.ink;
    ctx.fillText(value ? `r ≈ ${value}` : "r not known", x, top + 5);
    ctx.fillStyle = colours.muted;
    if (value) ctx.fillText(interval, x, top + 20);
  }

  valueAxis(ctx, toY, low, high, toRate, most, top) {
    ctx.fillStyle = colours.muted;
    ctx.strokeStyle = colours.line;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    const { left } = this.margin;
    const marks = low <= high ? ticks(low, high, Math.max(2.5, this.band / 50)) : [];
    for (const tick of this.band > 34 ? marks : []) {
      segment(ctx, left - 3, toY(tick), left, toY(tick));
      ctx.fillText(tickText(tick, marks), left - 6, toY(tick));
    }
    if (this.band > 60) {
      ctx.fillStyle = colours.spike;
      ctx.fillText(`${number(most, 2)} ${page.rateUnit}`, left - 6, toRate(most) + 4);
      ctx.fillText("0", left - 6, toRate(0) - 3);
    }
    if (this.band < 120) return;
    ctx.save();
    ctx.translate(16, (toY(low) + toY(high)) / 2 || top + this.band / 3);
    ctx.rotate(-Math.PI / 2);
    ctx.textAlign = "center";
    ctx.fillStyle = colours.accent;
    ctx.fillText("dF/F", 0, 0);
    ctx.restore();
  }

  timeAxis(ctx, width, height) {
    const { left, right, bottom } = this.margin;
    const marks = ticks(this.range.start, this.range.end, (width - left - right) / 90);
    ctx.fillStyle = ctx.strokeStyle = colours.muted;
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    for (const tick of marks) {
      const x = Math.round(this.toX(tick)) + 0.5;
      segment(ctx, x, height - bottom, x, height - bottom + 4);
      ctx.fillText(tickText(tick, marks), x, height - bottom + 7);
    }
    ctx.fillText("time (s)", Math.round((left + width - right) / 2), height - bottom + 24);
  }

  /** The ROI drawn at a height of the canvas. */
  rowAt(py) {
    const row = Math.floor((py - this.margin.top) / this.band);
    return row < 0 ? undefined : this.visible()[row];
  }

  listen() {
    const { node } = this.canvas;
    node.addEventListener("pointermove", (event) => {
      this.pointer = this.canvas.position(event);
      const [px, py] = this.pointer;
      const i = px >= this.margin.left && px <= this.canvas.width - this.margin.right ? this.rowAt(py) : undefined;
      if (i === undefined) { this.pointer = null; tip.hide(); } else this.readout(event, i, this.toX.invert(px));
      this.canvas.redraw();
    });
    node.addEventListener("pointerleave", () => { this.pointer = null; tip.hide(); this.canvas.redraw(); });
    node.addEventListener("click", (event) => {
      const i = this.rowAt(this.canvas.position(event)[1]);
      if (i === undefined || this.canvas.dragged) return;
      if (event.shiftKey && this.onmark?.(i)) return;
      this.onselect(i);
    });
  }

  readout(event, i, time) {
    const { dff, rate, rate_low: lower, rate_high: upper } = this.series(i);
    const about = this.complete(i) ? "" : "≈ ";
    tip.show(event, [
      [`ROI ${this.rois.roi[i]}`],
      ["time", `${number(time, 5)} s`],
      ["frame", number(Math.min(this.frames - 1, Math.floor((time / this.duration) * this.frames)), 9)],
      ["dF/F", about + number(dff.at(time))],
      ["spike rate", `${about}${number(rate.at(time))} ${page.rateUnit}`],
      ...(lower && upper ? [["spikes in 1 s, 90 %", `${about}${number(lower.at(time), 2)} to ${number(upper.at(time), 2)}`]] : []),
    ]);
  }
}

function shareLimits(limits) {
  const known = limits.filter(({ low, high }) => low <= high);
  const low = Math.min(...known.map((one) => one.low));
  const high = Math.max(...known.map((one) => one.high));
  const top = Math.max(...limits.map((one) => one.top));
  for (const one of known) Object.assign(one, { low, high });
  for (const one of limits) one.top = top;
}
