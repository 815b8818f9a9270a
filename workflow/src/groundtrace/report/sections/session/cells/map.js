"use strict";
// The ROI map: footprints on the mean image, coloured by what is known of them.

const VIRIDIS = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];
// Always on a dark image, whatever the theme; told apart with every kind of colour vision.
const MAP_COLOURS = { accepted: "#56b4e9", rejected: "#e69f00", silent: "#e37fbb", selected: "#ffffff" };
/** Colour of the viridis scale at `share` (0 to 1). */
function viridis(share) {
  const at = Math.max(0, Math.min(1, share)) * (VIRIDIS.length - 1);
  const [a, b] = [VIRIDIS[Math.floor(at)], VIRIDIS[Math.ceil(at)]].map((hex) => parseInt(hex.slice(1), 16));
  const mix = (shift) => ((a >> shift) & 255) * (1 - (at % 1)) + ((b >> shift) & 255) * (at % 1);
  return `rgb(${mix(16)}, ${mix(8)}, ${mix(0)})`;
}

class RoiMap {
  /** rois: columns of the page's data; runs: footprints as packed; background: the Background under them. */
  constructor(host, { rois, footprints, runs, height, width, background, onselect }) {
    Object.assign(this, { host, rois, height, width, background, onselect, hovered: -1, selected: -1 });
    this.count = rois.roi.length;
    this.colourBy = "accepted";
    this.filled = false;
    this.outlined = true;
    this.shown = () => true;
    this.shapes = shapes(footprints.counts, runs, width, height);
    this.view = { scale: 1, x: 0, y: 0 }; // zoom, and the pixel of the movie at the top left
    this.canvas = new Canvas(host, {
      height: (wide) => Math.round((wide * height) / width),
      label: "Map of the regions of interest on an image of the movie. Arrow keys go to the next ROI, plus and minus zoom.",
      draw: (ctx, wide) => this.draw(ctx, wide),
    });
    this.legend = host.appendChild(element("div", { class: "legend" }));
    this.restack();
    this.recolour();
    this.listen();
  }

  /** Show only ROIs for which `shown(i)`; the others can no longer be pointed at. */
  filter(shown) {
    this.shown = shown;
    this.restack();
    this.canvas.redraw();
  }

  /** Which ROI lies on top at each pixel: accepted over rejected, small over large. */
  restack() {
    const { accepted, area } = this.rois;
    this.order = [...Array(this.count).keys()].filter((i) => this.shown(i))
      .sort((a, b) => accepted[a] - accepted[b] || area[b] - area[a]);
    this.owner = new Int32Array(this.height * this.width).fill(-1);
    for (const i of this.order) {
      for (const [first, length] of this.shapes[i].runs) this.owner.fill(i, first, first + length);
    }
  }

  /** Colour by acceptance or by a number; the scale covers the middle 96 % of its values. */
  recolour(by = this.colourBy) {
    this.colourBy = by;
    if (by === "accepted") {
      const groups = this.rois.roi.map((_, i) => groupOf(this.rois, i));
      this.colour = groups.map((group) => MAP_COLOURS[group]);
      this.legend.replaceChildren(...groupsOf(this.rois).map((name) => element(
        "span", {}, element("i", { class: `swatch ${name}` }), `${GROUPS[name]} (${groups.filter((group) => group === name).length})`)));
    } else {
      const values = this.rois[by];
      const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
      const low = sorted[Math.floor(0.02 * (sorted.length - 1))] ?? 0;
      const high = sorted[Math.ceil(0.98 * (sorted.length - 1))] ?? 1;
      this.colour = values.map((value) => Number.isFinite(value) ? viridis((value - low) / (high - low || 1)) : "#888888");
      this.legend.replaceChildren(number(low, 2), element("i", { class: "ramp" }), number(high, 2));
    }
    this.canvas.redraw();
  }

  draw(ctx, wide) {
    const scale = (wide / this.width) * this.view.scale;
    this.pixel = scale;
    ctx.save();
    ctx.fillStyle = "#000000";
    ctx.fillRect(0, 0, wide, this.canvas.tall);
    ctx.scale(scale, scale);
    ctx.translate(-this.view.x, -this.view.y);
    this.background.draw(ctx, scale);
    ctx.lineWidth = 1.3 / scale;
    for (const i of this.outlined || this.filled ? this.order : []) this.paint(ctx, i, this.filled ? 0.55 : 0);
    this.overlay?.(ctx, scale);
    for (const i of [this.hovered, this.selected]) {
      if (i < 0) continue;
      ctx.lineWidth = 2.5 / scale;
      this.paint(ctx, i, 0.45, i === this.selected ? MAP_COLOURS.selected : undefined);
    }
    ctx.restore();
    if (this.box) this.drawBox(ctx);
    if (this.selected >= 0) this.name(ctx, this.selected);
    scaleBar(ctx, this.canvas.width, this.canvas.tall, this.pixel);
  }

  paint(ctx, i, alpha, stroke = this.colour[i]) {
    const { fill, outline } = this.shapes[i];
    if (alpha) {
      ctx.globalAlpha = alpha;
      ctx.fillStyle = this.colour[i];
      ctx.fill(fill);
      ctx.globalAlpha = 1;
    }
    if (alpha && stroke === this.colour[i] && this.filled && i !== this.hovered) return;
    ctx.strokeStyle = stroke;
    if (this.rois.silent[i]) ctx.setLineDash([3 * ctx.lineWidth, 1.6 * ctx.lineWidth]);
    ctx.stroke(outline);
    ctx.setLineDash([]);
  }

  name(ctx, i) {
    // Above the footprint, or below it at the upper edge.
    const away = Math.sqrt(this.rois.area[i]) * 0.7 * this.pixel + 9;
    const x = (this.rois.x[i] - this.view.x) * this.pixel;
    const at = (this.rois.y[i] - this.view.y) * this.pixel;
    const y = at - away > 8 ? at - away : at + away;
    ctx.font = `bold ${ctx.font}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineWidth = 3;
    ctx.strokeStyle = "rgb(0 0 0 / 75%)";
    ctx.fillStyle = MAP_COLOURS.selected;
    ctx.strokeText(this.rois.roi[i], x, y);
    ctx.fillText(this.rois.roi[i], x, y);
  }

  drawBox(ctx) {
    const [[x1, y1], [x2, y2]] = this.box;
    ctx.setLineDash([4, 3]);
    ctx.strokeStyle = "#ffffff";
    ctx.strokeRect(x1, y1, x2 - x1, y2 - y1);
    ctx.setLineDash([]);
  }

  /** ROIs whose centre is between two corners on the canvas. */
  within([[x1, y1], [x2, y2]]) {
    const inside = (value, a, b) => value >= Math.min(a, b) && value <= Math.max(a, b);
    const at = (i) => [(this.rois.x[i] + 0.5 - this.view.x) * this.pixel, (this.rois.y[i] + 0.5 - this.view.y) * this.pixel];
    return this.order.filter((i) => inside(at(i)[0], x1, x2) && inside(at(i)[1], y1, y2));
  }

  /** The ROI at a position on the canvas, -1 for none. */
  at([px, py]) {
    const x = Math.floor(px / this.pixel + this.view.x);
    const y = Math.floor(py / this.pixel + this.view.y);
    return x < 0 || y < 0 || x >= this.width || y >= this.height ? -1 : this.owner[y * this.width + x];
  }

  select(i) {
    this.selected = i;
    this.canvas.redraw();
  }

  zoom(factor, [px, py] = [this.canvas.width / 2, this.canvas.tall / 2]) {
    const before = this.pixel;
    const scale = Math.max(1, Math.min(20, this.view.scale * factor));
    const after = (before / this.view.scale) * scale;
    this.move(this.view.x + px / before - px / after, this.view.y + py / before - py / after, scale);
  }

  move(x, y, scale = this.view.scale) {
    const inside = (value, size) => Math.max(0, Math.min(value, size - size / scale));
    this.view = { scale, x: inside(x, this.width), y: inside(y, this.height) };
    this.canvas.redraw();
  }

  listen() {
    const { node } = this.canvas;
    let held = null;
    node.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      held = { at: this.canvas.position(event), view: this.view, moved: false, marks: event.shiftKey && this.onmark };
      node.setPointerCapture(event.pointerId);
    });
    node.addEventListener("pointermove", (event) => {
      const at = this.canvas.position(event);
      if (held && Math.hypot(at[0] - held.at[0], at[1] - held.at[1]) > 3) held.moved = true;
      if (held?.moved && held.marks) {
        this.box = [held.at, at];
        this.canvas.redraw();
      } else if (held?.moved) {
        this.move(held.view.x - (at[0] - held.at[0]) / this.pixel, held.view.y - (at[1] - held.at[1]) / this.pixel);
      } else this.hover(event, this.at(at));
    });
    node.addEventListener("pointerup", (event) => {
      const i = !held || held.moved ? -1 : this.at(this.canvas.position(event));
      const marks = held?.marks;
      if (this.box) this.onmark(this.within(this.box), true);
      this.box = held = null;
      if (i >= 0 && !(marks && this.onmark([i], false))) this.onselect(i);
      this.canvas.redraw();
    });
    node.addEventListener("contextmenu", (event) => {
      const i = this.at(this.canvas.position(event));
      if (i < 0 || !this.onflip?.(i)) return;
      event.preventDefault();
    });
    node.addEventListener("pointerleave", (event) => this.hover(event, -1));
    node.addEventListener("dblclick", () => this.move(0, 0, 1));
    node.addEventListener("wheel", (event) => {
      if (document.activeElement !== node && !event.ctrlKey) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * 0.002), this.canvas.position(event));
    }, { passive: false });
    node.addEventListener("keydown", (event) => {
      const action = { "+": () => this.zoom(1.5), "=": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5),
        0: () => this.move(0, 0, 1), Escape: () => this.move(0, 0, 1) }[event.key];
      if (action && !event.ctrlKey && !event.metaKey) { event.preventDefault(); action(); }
    });
  }

  hover(event, i) {
    const why = i >= 0 && !this.rois.accepted[i] && this.rois.reason[i] ? [["why", this.rois.reason[i]]] : [];
    const from = i >= 0 && this.rois.origin[i] ? [["given", this.rois.origin[i]]] : [];
    if (i >= 0) tip.show(event, [[`ROI ${this.rois.roi[i]}`], ...from, ...roiRows(this.rois, i), ...why]);
    else tip.hide();
    this.canvas.node.style.cursor = i >= 0 ? "pointer" : this.view.scale > 1 ? "grab" : "";
    if (i === this.hovered) return;
    this.hovered = i;
    this.canvas.redraw();
  }
}

/** A bar of a round length, at most a fifth of the picture; `pixel` is how large a pixel of the movie is drawn. In
 * micrometres, or in pixels where their size is not known. */
function scaleBar(ctx, width, height, pixel) {
  const micron = page.pixelSize ?? 1;
  const wanted = ((width * 0.2) / pixel) * micron;
  const above = stepAbove(wanted);
  const length = roundStep(roundStep(above) > wanted ? above - 1 : above);
  const wide = (length / micron) * pixel;
  const [x, y] = [width - 12, height - 13];
  ctx.save();
  ctx.textAlign = "right";
  ctx.textBaseline = "bottom";
  ctx.fillStyle = ctx.strokeStyle = "#ffffff";
  ctx.shadowColor = "#000000";
  ctx.shadowBlur = 5;
  // Twice: one shadow alone is faint on a bright image.
  for (let k = 0; k < 2; k++) {
    ctx.fillRect(x - wide, y, wide, 3);
    ctx.fillText(`${number(length)} ${page.pixelSize ? "µm" : "px"}`, x, y - 4);
  }
  ctx.restore();
  return length;
}
