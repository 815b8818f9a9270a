"use strict";
// One chart class and the layers it can show: lines over time, bars, points, rules, curves, an image.

/** The step 1, 2 or 5 times a power of ten that is number `k`: 0 is 1, 1 is 2, 2 is 5, 3 is 10, -1 is 0.5. */
const roundStep = (k) => [1, 2, 5][((k % 3) + 3) % 3] * 10 ** Math.floor(k / 3);

/** Number of the smallest round step that is not below `raw`. */
function stepAbove(raw) {
  let k = 3 * Math.floor(Math.log10(raw));
  while (roundStep(k) < raw * 0.999) k++;
  return k;
}

/** Round numbers between `low` and `high`, about `count` of them and never less than two; whole ones only if asked. */
function ticks(low, high, count, whole = false) {
  const raw = (high - low) / Math.max(count, 1);
  if (!(raw > 0) || !Number.isFinite(raw)) return [];
  for (let k = Math.max(stepAbove(raw), whole ? 0 : -Infinity); ; k--) {
    const step = roundStep(k);
    const [first, last] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)];
    if (last > first || (whole && k <= 0)) return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  }
}

/** 1, 2, 5 of each decade; the decades alone where they are many, evenly spaced numbers where there would be one. */
function logTicks(low, high) {
  const wide = Math.log10(high / low) > 2.5;
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const n of wide ? [1] : [1, 2, 5]) {
      const tick = n * 10 ** power;
      if (tick >= low * 0.999 && tick <= high * 1.001) found.push(tick);
    }
  }
  return found.length > 1 ? found : ticks(low, high, 5);
}

/** As many decimals as tell neighbouring ticks apart. */
function tickText(value, all) {
  const step = all.length > 1 ? Math.abs(all[1] - all[0]) : Math.abs(value) || 1;
  return number(value, Math.max(1, Math.floor(Math.log10(Math.abs(value) || 1)) - Math.floor(Math.log10(step) + 1e-9) + 1));
}

/** Dashed lines where time has a gap, or another file begins. */
function drawBorders(ctx, range, toX, top, bottom) {
  ctx.save();
  ctx.strokeStyle = colours.muted;
  ctx.setLineDash([3, 3]);
  for (const at of range?.borders ?? []) {
    if (at > range.start && at < range.end) segment(ctx, Math.round(toX(at)) + 0.5, top, Math.round(toX(at)) + 0.5, bottom);
  }
  ctx.restore();
}

class Chart {
  /** x, y: {label, unit, log, low, high}; x.range: a shared Range; y limits that are missing follow the data in view. */
  constructor(host, { height = 180, label, x, y, layers, lanes = [], pick, left = 66 }) {
    Object.assign(this, { x, y, layers, lanes: lanes.filter((lane) => lane.intervals.length), pick, host });
    this.margin = { left, right: 14, top: 10, bottom: 40 + this.lanes.length * 11 };
    const named = layers.filter((layer) => layer.name);
    if (named.length > 1 || this.lanes.length) host.append(legend([...named, ...this.lanes]));
    this.canvas = new Canvas(host, { height: height + this.lanes.length * 11, label, draw: (...all) => this.draw(...all) });
    const { node } = this.canvas;
    node.addEventListener("pointermove", (event) => this.hover(event));
    node.addEventListener("pointerleave", () => { this.pointer = null; tip.hide(); this.canvas.redraw(); });
    node.addEventListener("click", (event) => {
      const found = !this.canvas.dragged && this.nearest(...this.canvas.position(event));
      if (found && this.pick) this.pick(found.index);
    });
    x.range?.attach(this.canvas, () => ({ left, width: this.canvas.width - left - this.margin.right }));
  }

  draw(ctx, width, height) {
    const { left, right, top, bottom } = this.margin;
    this.box = { left, top, right: width - right, bottom: height - bottom };
    const { start = this.x.low, end = this.x.high } = this.x.range ?? {};
    this.view = { start, end };
    const [low, high] = this.limits(start, end);
    this.toX = scale(start, end, left, width - right, this.x.log);
    this.toY = scale(low, high, height - bottom, top, this.y.log);
    this.axes(ctx, low, high);
    drawBorders(ctx, this.x.range, this.toX, top, height - bottom);
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width - left - right, height - top - bottom);
    ctx.clip();
    this.layers.forEach((layer) => layer.draw(ctx, this));
    ctx.restore();
    this.layers.forEach((layer) => layer.after?.(ctx, this));
    this.drawLanes(ctx);
    if (this.canvas.selection) shade(ctx, this.canvas.selection, top, height - bottom);
    else if (this.pointer && this.x.range) crosshair(ctx, this.pointer[0], top, height - bottom);
  }

  limits(start, end) {
    let low = Infinity;
    let high = -Infinity;
    for (const layer of this.layers) {
      const [bottom, top] = layer.extent?.(start, end) ?? [Infinity, -Infinity];
      low = Math.min(low, bottom);
      high = Math.max(high, top);
    }
    if (!(low <= high)) [low, high] = this.y.log ? [0.1, 10] : [0, 1];
    const pad = this.y.log ? 0 : (high - low || Math.abs(high) * 0.1 || 1) * 0.06;
    return [this.y.low ?? low - pad, this.y.high ?? high + pad];
  }

  axes(ctx, low, high) {
    const { left, top, right, bottom } = this.box;
    const under = bottom + this.lanes.length * 11;
    const { start, end } = this.view;
    const across = this.x.log ? logTicks(start, end) : ticks(start, end, (right - left) / 80, this.x.whole);
    const up = this.y.log ? logTicks(low, high)
      : ticks(Math.min(low, high), Math.max(low, high), (bottom - top) / 38, this.y.whole);
    ctx.lineWidth = 1;
    ctx.strokeStyle = colours.line;
    ctx.fillStyle = colours.muted;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    for (const tick of up) {
      const y = Math.round(this.toY(tick)) + 0.5;
      segment(ctx, left, y, right, y);
      ctx.fillText(tickText(tick, up), left - 7, y);
    }
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    for (const tick of across) {
      const x = Math.round(this.toX(tick)) + 0.5;
      segment(ctx, x, under, x, under + 4);
      ctx.fillText(this.x.text ? this.x.text(tick) : tickText(tick, across), Math.max(left, Math.min(x, right - 4)), under + 7);
    }
    segment(ctx, left, bottom + 0.5, right, bottom + 0.5);
    ctx.fillText(axisName(this.x), Math.round((left + right) / 2), under + 24);
    ctx.save();
    ctx.translate(5, (top + bottom) / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.fillText(axisName(this.y), 0, 0);
    ctx.restore();
  }

  /** Marked stretches of time, one lane for each kind under the plot. */
  drawLanes(ctx) {
    const { left, right, bottom } = this.box;
    this.lanes.forEach(({ intervals, colour }, row) => {
      ctx.fillStyle = colours[colour];
      for (const [first, after] of intervals) {
        const from = Math.max(left, this.toX(first));
        const to = Math.min(right, this.toX(after));
        if (to >= left && from <= right) ctx.fillRect(from, bottom + 3 + row * 11, Math.max(to - from, 1.5), 8);
      }
    });
  }

  nearest(px, py) {
    const { left, top, right, bottom } = this.box ?? {};
    if (px < left || px > right || py < top || py > bottom) return null;
    const read = this.layers.map((layer) => layer.read?.(px, py, this)).filter(Boolean);
    return read.length ? { rows: read.flatMap((found) => found.rows), index: read.find((r) => "index" in r)?.index } : null;
  }

  hover(event) {
    this.pointer = this.canvas.position(event);
    const found = this.nearest(...this.pointer);
    this.canvas.node.style.cursor = found && this.pick ? "pointer" : "";
    if (found) {
      const time = this.x.range && this.x.unit === "s" ? [["time", `${number(this.toX.invert(this.pointer[0]), 5)} s`]] : [];
      tip.show(event, [...time, ...found.rows]);
    } else {
      this.pointer = null;
      tip.hide();
    }
    this.canvas.redraw();
  }
}

const axisName = ({ label, unit }) => (unit ? `${label} (${unit})` : label);

function scale(low, high, from, to, log) {
  const f = log ? Math.log10 : (value) => value;
  const [a, b] = [f(low), f(high)];
  const map = (value) => from + ((f(value) - a) / (b - a || 1)) * (to - from);
  map.invert = (px) => {
    const value = a + ((px - from) / (to - from)) * (b - a);
    return log ? 10 ** value : value;
  };
  return map;
}

function segment(ctx, x1, y1, x2, y2) {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

function shade(ctx, [from, to], top, bottom) {
  ctx.globalAlpha = 0.15;
  ctx.fillStyle = colours.accent;
  ctx.fillRect(from, top, to - from, bottom - top);
  ctx.globalAlpha = 1;
}

function crosshair(ctx, x, top, bottom) {
  ctx.strokeStyle = colours.faint;
  segment(ctx, Math.round(x) + 0.5, top, Math.round(x) + 0.5, bottom);
}

function legend(entries) {
  return element("div", { class: "legend" }, ...entries.map(({ name, colour, intervals }) => element(
    "span", {}, element("i", { class: `${intervals ? "lane" : "stroke"} ${colour}` }), name)));
}

// --- layers: draw(ctx, chart), extent(start, end), read(px, py, chart) -> {rows, index} ------------------------------

/** A Series over time, or what a function gives as one; nothing while there is none. */
const line = (source, { name, colour = "accent", unit = "" }) => {
  const series = () => (typeof source === "function" ? source() : source);
  return {
    name,
    colour,
    extent: (start, end) => series()?.extent(start, end),
    draw(ctx, { toX, toY, view, box }) {
      ctx.strokeStyle = colours[colour];
      ctx.lineWidth = 1.2;
      ctx.lineJoin = "round";
      ctx.beginPath();
      series()?.trace(ctx, toX, toY, view.start, view.end, box.right - box.left);
      ctx.stroke();
    },
    read: (px, py, { toX }) => series() && { rows: [[name, `${number(series().at(toX.invert(px)), 4)} ${unit}`.trim()]] },
  };
};

/** A thin line at the time that `at` tells, without a name. */
const cursor = (at) => ({
  draw(ctx, { toX, box }) {
    const time = at();
    if (Number.isFinite(time)) crosshair(ctx, toX(time), box.top, box.bottom);
  },
});

/** Histogram of stacked groups: [{name, colour, counts}], one edge more than counts. */
const bars = (edges, groups) => ({
  extent: () => [0, Math.max(1, ...edges.slice(1).map((_, i) => groups.reduce((sum, { counts }) => sum + counts[i], 0)))],
  draw(ctx, { toX, toY }) {
    for (let i = 0; i + 1 < edges.length; i++) {
      let below = 0;
      for (const { counts, colour } of groups) {
        if (!counts[i]) continue;
        ctx.fillStyle = colours[colour];
        const [left, right] = [toX(edges[i]), toX(edges[i + 1])];
        ctx.fillRect(left + 0.5, toY(below + counts[i]), Math.max(right - left - 1, 1), toY(below) - toY(below + counts[i]));
        below += counts[i];
      }
    }
  },
  read(px, py, { toX }) {
    const i = edges.findIndex((edge, k) => toX(edge) <= px && px < toX(edges[k + 1]));
    if (i < 0) return null;
    return { rows: [[`${number(edges[i])} to ${number(edges[i + 1])}`], ...groups.map(({ name, counts }) => [name, String(counts[i])])] };
  },
});

/** Points at (xs[i], ys[i]); `style(i)` gives {colour, radius, alpha}, `rows(i)` the readout. */
const points = (xs, ys, { style, rows }) => ({
  draw(ctx, { toX, toY }) {
    for (let i = 0; i < xs.length; i++) {
      const { colour, radius = 3.5, alpha = 0.75, ring } = style(i);
      if (!alpha || !Number.isFinite(xs[i]) || !Number.isFinite(ys[i])) continue;
      ctx.globalAlpha = alpha;
      ctx.fillStyle = colours[colour];
      ctx.beginPath();
      ctx.arc(toX(xs[i]), toY(ys[i]), radius, 0, 7);
      ctx.fill();
      ctx.globalAlpha = 1;
      if (!ring) continue;
      ctx.strokeStyle = colours.ink;
      ctx.lineWidth = 2;
      ctx.stroke();
    }
  },
  read(px, py, { toX, toY }) {
    let best = 12 ** 2;
    let index = -1;
    for (let i = 0; i < xs.length; i++) {
      const distance = (toX(xs[i]) - px) ** 2 + (toY(ys[i]) - py) ** 2;
      if (distance < best && style(i).alpha !== 0) [best, index] = [distance, i];
    }
    return index < 0 ? null : { rows: rows(index), index };
  },
});

/** Text with a halo, which keeps it readable over bars and points. */
function haloed(ctx, text, x, y) {
  ctx.strokeStyle = colours.surface;
  ctx.lineWidth = 4;
  ctx.strokeText(text, x, y);
  ctx.fillText(text, x, y);
}

/** A straight line with a name at a value of x. */
const rule = (value, text, colour = "bad") => ({
  draw() {},
  after(ctx, { toX, box }) {
    const x = Math.round(toX(value)) + 0.5;
    if (x < box.left || x > box.right) return;
    ctx.strokeStyle = ctx.fillStyle = colours[colour];
    ctx.setLineDash([4, 3]);
    ctx.lineWidth = 1.2;
    segment(ctx, x, box.top, x, box.bottom);
    ctx.setLineDash([]);
    ctx.textBaseline = "top";
    ctx.textAlign = x > (box.left + box.right) / 2 ? "right" : "left";
    haloed(ctx, text, x + (ctx.textAlign === "right" ? -6 : 6), box.top + 2);
  },
});

/** y = f(x), with its name along its end. */
const curve = (f, text, colour = "ink") => ({
  draw(ctx, { toX, toY, view, box }) {
    ctx.strokeStyle = ctx.fillStyle = colours[colour];
    ctx.lineWidth = 1.5;
    ctx.setLineDash([6, 4]);
    ctx.beginPath();
    for (let px = box.left; px <= box.right; px += 4) ctx.lineTo(px, toY(f(toX.invert(px))));
    ctx.stroke();
    ctx.setLineDash([]);
    const end = box.right - 10;
    ctx.save();
    ctx.translate(end, toY(f(toX.invert(end))) + 6);
    ctx.rotate(Math.atan2(toY(f(view.end)) - toY(f(view.start)), box.right - box.left));
    ctx.textBaseline = "top";
    ctx.textAlign = "right";
    haloed(ctx, text, 0, 0);
    ctx.restore();
  },
});
