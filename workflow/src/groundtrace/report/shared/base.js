"use strict";
// Shared by all pages: page data, packed numbers, colours, canvases, the readout at the pointer.

const page = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const report = {}; // the charts and other parts of the page, for its sections, the console and the tests
const drawings = [];

/** Draw a section, by a function that may be async, once the sections above it are drawn. */
const drawn = (draw) => drawings.push(draw);

/** A number for reading: `digits` significant, a true minus, a dash for none. Like `number` in html.py. */
function number(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const magnitude = value ? Math.floor(Math.log10(Math.abs(value))) : 0;
  const written = magnitude < -5 || magnitude > 20 ? value.toExponential(digits - 1).replace("+", "")
    : String(Number(value.toFixed(Math.max(0, digits - 1 - magnitude))));
  const [whole, fraction] = written.split(".");
  const grouped = whole.includes("e") ? whole : whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return (fraction === undefined ? grouped : `${grouped}.${fraction}`).replaceAll("-", "−");
}

/** An element with attributes, classes and children; text is never read as HTML. */
function element(tag, { class: classes = "", ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// --- packed numbers -------------------------------------------------------------------------------------------------

const MISSING = -32768;
const BLOCK = 16;

/** Integers from Python's `pack`: base64, zlib, bytes of equal significance side by side. */
async function unpack(text, Type = Int16Array) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(inflated).arrayBuffer());
  const size = Type.BYTES_PER_ELEMENT;
  const count = planes.length / size;
  const joined = new Uint8Array(planes.length);
  for (let byte = 0; byte < size; byte++) {
    for (let i = 0; i < count; i++) joined[i * size + byte] = planes[byte * count + i];
  }
  return new Type(joined.buffer);
}

/** Values evenly spaced in time: integers in units of `step` above `origin`. */
class Series {
  constructor(integers, step, duration, origin = 0) {
    Object.assign(this, { integers, step, origin, spacing: duration / Math.max(integers.length, 1) });
  }

  static async from(packed, duration) {
    return new Series(await unpack(packed.data), packed.step, duration, packed.origin);
  }

  value(index) {
    const found = this.integers[index];
    return found === undefined || found === MISSING ? NaN : found * this.step + this.origin;
  }

  at(time) {
    return this.value(Math.max(0, Math.min(this.integers.length - 1, Math.floor(time / this.spacing + 1e-6))));
  }

  /** First and last index that [start, end] touches. */
  span(start, end) {
    return [
      Math.max(0, Math.floor(start / this.spacing) - 1),
      Math.min(this.integers.length - 1, Math.ceil(end / this.spacing) + 1),
    ];
  }

  /** Smallest and largest integer of each block of samples, made when first needed: long traces are drawn from them. */
  get blocks() {
    if (this.made) return this.made;
    const count = Math.ceil(this.integers.length / BLOCK);
    const [lows, highs] = [new Int16Array(count).fill(-MISSING - 1), new Int16Array(count).fill(MISSING)];
    this.integers.forEach((value, i) => {
      const block = (i / BLOCK) | 0;
      if (value === MISSING) return;
      if (value < lows[block]) lows[block] = value;
      if (value > highs[block]) highs[block] = value;
    });
    this.made = { lows, highs };
    return this.made;
  }

  /** Smallest and largest integer from `first` up to, not with, `after`; low above high where there is none. */
  extremes(first, after) {
    const { lows, highs } = this.blocks;
    let low = -MISSING - 1;
    let high = MISSING;
    for (let i = first; i < after; ) {
      const whole = i % BLOCK === 0 && i + BLOCK <= after;
      const block = i / BLOCK;
      const bottom = whole ? lows[block] : this.integers[i];
      const top = whole ? highs[block] : bottom;
      i += whole ? BLOCK : 1;
      if (top === MISSING) continue;
      if (bottom < low) low = bottom;
      if (top > high) high = top;
    }
    return [low, high];
  }

  /** Smallest and largest value between two times; [Infinity, -Infinity] where there is none. */
  extent(start, end) {
    const [first, last] = this.span(start, end);
    const [low, high] = this.extremes(first, last + 1);
    return low > high ? [Infinity, -Infinity] : [low * this.step + this.origin, high * this.step + this.origin];
  }

  /** Add the line to the current path: every sample, or the smallest and largest of each half pixel column. */
  trace(ctx, toX, toY, start, end, width) {
    let [first, last] = this.span(start, end);
    let stride = Math.max(1, Math.floor((last - first) / Math.max(width, 1) / 2));
    if (stride > BLOCK) {
      stride -= stride % BLOCK;
      first -= first % BLOCK;
    }
    let pen = false;
    for (let i = first; i <= last; i += stride) {
      const [low, high] = this.extremes(i, Math.min(i + stride, last + 1));
      if (low > high) { pen = false; continue; }
      const x = toX((i + stride / 2 - 0.5) * this.spacing);
      if (pen) ctx.lineTo(x, toY(low * this.step + this.origin));
      else ctx.moveTo(x, toY(low * this.step + this.origin));
      if (high !== low || !pen) ctx.lineTo(x, toY(high * this.step + this.origin));
      pen = true;
    }
  }
}

// --- colours: those of the style sheet, so that light and dark are decided in one place ------------------------------

const colours = {};
const themed = new Set(); // drawn again when the theme changes

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["ink", "muted", "faint", "line", "surface", "accent", "spike", "good", "warn", "bad", "accepted", "rejected", "silent"]) {
    colours[name] = style.getPropertyValue(`--${name}`).trim();
  }
  colours.dark = matchMedia("(prefers-color-scheme: dark)").matches;
}

readColours();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  readColours();
  themed.forEach((canvas) => canvas.redraw());
});

// --- canvas ---------------------------------------------------------------------------------------------------------

/** A canvas that follows the width of its host, sharp on every screen; `draw(ctx, width, height)` at most once a frame. */
class Canvas {
  constructor(host, { height, label, draw }) {
    this.node = element("canvas", { tabindex: 0, role: "img", "aria-label": label });
    this.ctx = this.node.getContext("2d");
    Object.assign(this, { host, height, draw, milliseconds: 0 });
    host.append(this.node);
    themed.add(this);
    // Called once at the start, too; its own height must not call it again.
    new ResizeObserver(() => host.clientWidth === this.width || this.fit()).observe(host);
  }

  fit() {
    const ratio = window.devicePixelRatio || 1;
    this.width = this.host.clientWidth;
    const height = typeof this.height === "function" ? this.height(this.width) : this.height;
    this.tall = height;
    this.node.width = Math.round(this.width * ratio);
    this.node.height = Math.round(height * ratio);
    // The host may be a fraction of a pixel wider; stretched to it, text would blur.
    Object.assign(this.node.style, { width: `${this.width}px`, height: `${height}px` });
    this.ratio = ratio;
    this.drawNow();
  }

  redraw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    cancelAnimationFrame(this.asked);
    this.asked = undefined;
    if (!this.width) return;
    const began = performance.now();
    const { ctx } = this;
    ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    ctx.clearRect(0, 0, this.width, this.tall);
    ctx.font = `12px ${getComputedStyle(this.node).fontFamily}`;
    this.draw(ctx, this.width, this.tall);
    this.milliseconds = performance.now() - began;
  }

  /** Position of a mouse event inside the canvas. */
  position(event) {
    const box = this.node.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }
}

// --- readout at the pointer -----------------------------------------------------------------------------------------

const tip = {
  node: document.body.appendChild(element("div", { id: "tip", role: "status", hidden: "" })),
  /** Show rows of [name, value] beside the pointer; a row of one cell is a heading. */
  show(event, rows) {
    this.node.replaceChildren(
      ...rows.map((row) => row.length === 1
        ? element("strong", {}, row[0])
        : element("div", {}, element("span", {}, row[0]), element("b", {}, row[1]))),
    );
    this.node.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const x = event.clientX + 16 + width > innerWidth ? event.clientX - 16 - width : event.clientX + 16;
    const y = Math.max(4, Math.min(event.clientY + 14, innerHeight - height - 4));
    this.node.style.transform = `translate(${Math.max(4, x)}px, ${y}px)`;
  },
  hide() {
    this.node.hidden = true;
  },
};
