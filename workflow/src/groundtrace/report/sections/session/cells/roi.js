"use strict";
// The selected ROI: close up, at its largest event, against all others, and its traces from raw light to spike rate.

const PATCH = 5; // cell diameters, side of the close-up
const RING = { from: 2, diameters: 1.5, colour: "rgb(0 200 150 / 34%)" }; // px, and cell diameters: about the neuropil
const BINS = 36; // of a distribution

class RoiPanel {
  /** map: the RoiMap; traces: the TraceBrowser, whose part of the time is shown here too. */
  constructor({ rois, map, traces, clips, diameter, statistics, light }) {
    Object.assign(this, { rois, map, traces, clips, diameter, light, selected: -1, rings: new Map() });
    this.side = Math.min(Math.max(16, Math.round(PATCH * diameter)), Math.max(map.width, map.height));
    this.taken = new Uint8Array(map.width * map.height);
    for (const { runs } of map.shapes) for (const [first, length] of runs) this.taken.fill(1, first, first + length);
    this.zoom = new Canvas($("zoom"), {
      height: (wide) => wide, label: "The selected region of interest close up, with its neighbours and its neuropil",
      draw: (ctx, wide) => this.drawZoom(ctx, wide),
    });
    if (clips) {
      this.player = new Player($("clip"), {
        label: "Clip of the largest event of the selected region of interest",
        overlay: (ctx, clip, scale) => this.drawClipOutline(ctx, clip, scale),
        onframe: () => this.charts?.forEach((chart) => chart.canvas.redraw()),
      });
    }
    this.rows = statistics.map((statistic) => new StatisticRow($("statistics"), statistic, rois));
    this.makeCharts();
    traces.onfull = (i) => i === this.selected && this.redraw();
  }

  select(i) {
    this.selected = i;
    $("roi").hidden = i < 0;
    if (i < 0) { this.player?.pause(); return; }
    this.describe(i);
    this.rows.forEach((row) => row.select(i));
    this.showClip(i);
    this.redraw();
  }

  redraw() {
    this.zoom.redraw();
    this.charts.forEach((chart) => chart.canvas.redraw());
  }

  describe(i) {
    const { roi, reason, origin, probability } = this.rois;
    const group = groupOf(this.rois, i);
    const chance = Number.isFinite(probability[i]) ? `Of ROIs like this one, ${number(100 * probability[i], 2)} % are cells.` : "";
    const verdict = {
      accepted: "accepted as a cell",
      rejected: "not accepted",
      silent: "seen in the mean image, but never active: not accepted",
    }[group];
    $("which").replaceChildren(element("i", { class: `swatch ${group}` }), `ROI ${roi[i]}: ${verdict}`);
    const why = group !== "accepted" && reason[i] ? `Why not: ${reason[i]}.`.replace(/\.\.$/, ".") : "";
    const from = origin[i] ? `Given as ${origin[i]}.` : "";
    $("why").textContent = [from, why, chance].filter(Boolean).join(" ");
  }

  // --- close-up ---

  /** Upper left pixel of the close-up, inside the field where the field is large enough. */
  corner(i) {
    const place = (at, size) => Math.max(0, Math.min(Math.round(at + 0.5 - this.side / 2), size - this.side));
    return [place(this.rois.y[i], this.map.height), place(this.rois.x[i], this.map.width)];
  }

  drawZoom(ctx, wide) {
    const i = this.selected;
    if (i < 0) return;
    const scale = wide / this.side;
    const [top, left] = this.corner(i);
    ctx.save();
    ctx.fillStyle = "#000000";
    ctx.fillRect(0, 0, wide, wide);
    ctx.scale(scale, scale);
    ctx.translate(-left, -top);
    this.map.background.draw(ctx, scale / 3);
    ctx.fillStyle = RING.colour;
    if ($("ring").checked) ctx.fill(this.ring(i));
    for (const k of this.rois.roi.keys()) {
      const near = Math.max(Math.abs(this.rois.y[k] - this.rois.y[i]), Math.abs(this.rois.x[k] - this.rois.x[i]));
      ctx.lineWidth = 1.4 / scale;
      if (k !== i && near < 2 * this.side) this.map.paint(ctx, k, 0, MAP_COLOURS[groupOf(this.rois, k)]);
    }
    this.map.overlay?.(ctx, scale);
    ctx.lineWidth = 2.4 / scale;
    this.map.paint(ctx, i, 0, MAP_COLOURS.selected);
    ctx.restore();
    scaleBar(ctx, wide, wide, scale);
  }

  /** About where the neuropil is measured: pixels of no ROI, not far from this one. */
  ring(i) {
    if (this.rings.has(i)) return this.rings.get(i);
    const { width, height } = this.map;
    const reach = RING.diameters * this.diameter;
    const runs = this.map.shapes[i].runs.map(([first, length]) => [Math.floor(first / width), first % width, (first % width) + length - 1]);
    const path = new Path2D();
    const [top, left] = this.corner(i);
    for (let y = top; y < Math.min(top + this.side, height); y++) {
      for (let x = left; x < Math.min(left + this.side, width); x++) {
        if (this.taken[y * width + x]) continue;
        let nearest = Infinity;
        for (const [row, from, to] of runs) nearest = Math.min(nearest, (y - row) ** 2 + Math.max(from - x, x - to, 0) ** 2);
        if (nearest > RING.from ** 2 && nearest <= reach ** 2) path.rect(x, y, 1, 1);
      }
    }
    if (this.rings.size > 200) this.rings.clear();
    this.rings.set(i, path);
    return path;
  }

  // --- clip of its largest event ---

  showClip(i) {
    const clip = this.clips?.rois[i];
    $("clip").hidden = !clip;
    $("noclip").hidden = Boolean(clip) || !this.clips;
    if (!clip) { this.player?.pause(); return; }
    this.player.load([clip], clip.frame, clip.step);
  }

  drawClipOutline(ctx, clip, scale) {
    if (!$("cliplines").checked) return;
    ctx.scale(1 / this.clips.scale, 1 / this.clips.scale);
    ctx.translate(-clip.x, -clip.y);
    ctx.lineWidth = (1.4 / scale) * this.clips.scale;
    this.map.paint(ctx, this.selected, 0, MAP_COLOURS[groupOf(this.rois, this.selected)]);
  }

  /** Time of the picture that the clip shows; NaN without a clip. */
  get now() {
    return this.clips?.rois[this.selected] && this.player.images.length ? this.player.timeOf(this.player.at) : NaN;
  }

  // --- traces ---

  makeCharts() {
    const time = { label: "time", unit: "s", range: this.traces.range };
    const series = (name) => () => (this.selected < 0 ? undefined : this.traces.series(this.selected)[name]);
    const moment = cursor(() => this.now);
    this.charts = [
      new Chart($("dff"), { height: 150, label: "dF/F of the selected ROI", x: time, y: { label: "dF/F" },
        layers: [line(series("dff"), { name: "dF/F" }), moment] }),
      new Chart($("rate"), { height: 140, label: "Spike rate of the selected ROI", x: time, y: { label: "spike rate", unit: page.rateUnit, low: 0 },
        layers: [line(series("rate"), { name: "spike rate", colour: "spike", unit: page.rateUnit }), moment] }),
    ];
    if (!this.light.fluorescence) return;
    const light = (name) => () => this.lightOf(name);
    this.charts.unshift(new Chart($("light"), {
      height: 170, label: "Fluorescence and neuropil of the selected ROI", x: time, y: { label: "light", unit: "detector units" },
      layers: [line(light("neuropil"), { name: "neuropil Fneu", colour: "faint" }), line(light("fluorescence"), { name: "ROI F", colour: "good" }), moment],
    }));
  }

  lightOf(name) {
    const packed = this.light[name];
    if (!packed || this.selected < 0) return undefined;
    if (this.lightAt !== this.selected) Object.assign(this, { lightAt: this.selected, lightSeries: {} });
    const { data, samples, steps, origins } = packed;
    const i = this.selected;
    this.lightSeries[name] ??= new Series(data.subarray(i * samples, (i + 1) * samples), steps[i], duration, origins[i]);
    return this.lightSeries[name];
  }
}

/** One statistic: what it is, its value, and where that lies among all ROIs found by their activity. */
class StatisticRow {
  constructor(host, { label, unit, meaning, values }, rois) {
    Object.assign(this, { values, unit, rois, selected: -1 });
    this.value = element("span", { class: "value" });
    const strip = element("div", { class: "strip" });
    host.append(element("div", { class: "statistic" },
      element("div", {}, element("b", {}, label), " ", this.value, element("small", {}, meaning)), strip));
    this.count();
    this.canvas = new Canvas(strip, { height: 46, label: `${label}: distribution over all ROIs`, draw: (...all) => this.draw(...all) });
  }

  /** Counts in bins over the middle 98 % of the values; the rest is in the outermost ones. */
  count() {
    const active = this.values.map((value, i) => [value, groupOf(this.rois, i)])
      .filter(([value, group]) => Number.isFinite(value) && group !== "silent");
    const sorted = active.map(([value]) => value).sort((a, b) => a - b);
    const quantile = (q) => sorted[Math.round(q * (sorted.length - 1))] ?? q;
    [this.low, this.high] = [quantile(0.01), quantile(0.99)];
    if (!(this.high > this.low)) [this.low, this.high] = [this.low - 0.5, this.low + 0.5];
    this.counts = { accepted: new Array(BINS).fill(0), rejected: new Array(BINS).fill(0) };
    for (const [value, group] of active) this.counts[group][Math.max(0, Math.min(BINS - 1, Math.floor(this.share(value) * BINS)))]++;
  }

  share(value) {
    return (value - this.low) / (this.high - this.low);
  }

  select(i) {
    this.selected = i;
    const value = this.values[i];
    this.value.textContent = Number.isFinite(value) ? `${number(value)} ${this.unit}`.trim() : "–";
    this.canvas.redraw();
  }

  draw(ctx, width) {
    const [middle, half, wide] = [17, 15, width / BINS];
    for (const [group, way] of [["accepted", -1], ["rejected", 1]]) {
      const most = Math.max(1, ...this.counts[group]);
      ctx.fillStyle = colours[group];
      this.counts[group].forEach((count, k) => {
        const tall = count ? Math.max(1, (count / most) * half) : 0;
        ctx.fillRect(k * wide, way < 0 ? middle - tall : middle, Math.max(wide - 0.8, 0.8), tall);
      });
    }
    ctx.strokeStyle = colours.line;
    segment(ctx, 0, middle, width, middle);
    ctx.font = ctx.font.replace("12px", "11px");
    ctx.fillStyle = colours.muted;
    ctx.textBaseline = "bottom";
    const marks = ticks(this.low, this.high, width / 70);
    for (const mark of marks) {
      const x = this.share(mark) * width;
      const text = tickText(mark, marks);
      const margin = ctx.measureText(text).width / 2;
      ctx.textAlign = "center";
      segment(ctx, Math.round(x) + 0.5, 2 * half + 2, Math.round(x) + 0.5, 2 * half + 5);
      ctx.fillText(text, Math.max(margin, Math.min(width - margin, x)), 47);
    }
    this.mark(ctx, width, 2 * half + 4);
  }

  mark(ctx, width, tall) {
    const value = this.values[this.selected];
    if (!Number.isFinite(value)) return;
    const x = Math.max(1.5, Math.min(width - 1.5, this.share(value) * width));
    ctx.strokeStyle = ctx.fillStyle = colours.ink;
    ctx.lineWidth = 2;
    segment(ctx, x, 0, x, tall);
    ctx.beginPath();
    ctx.moveTo(x - 4, 0);
    ctx.lineTo(x + 4, 0);
    ctx.lineTo(x, 5);
    ctx.fill();
  }
}
