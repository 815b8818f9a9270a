"use strict";
// The visible part of an axis, shared by charts, and how mouse, wheel and keys change it.

/** The visible part of an axis. Drag zooms in, Shift-drag pans, double click resets; in focus, wheel and keys too. */
class Range {
  constructor(low, high, shortest = (high - low) / 1e5) {
    Object.assign(this, { low, high, shortest, start: low, end: high, views: new Set(), borders: [] });
  }

  get zoomed() {
    return this.start > this.low || this.end < this.high;
  }

  set(start, end) {
    const length = Math.min(Math.max(end - start, this.shortest), this.high - this.low);
    this.start = Math.max(this.low, Math.min(start, this.high - length));
    this.end = this.start + length;
    this.views.forEach((canvas) => canvas.redraw());
  }

  reset() {
    this.set(this.low, this.high);
  }

  pan(share) {
    const by = (this.end - this.start) * share;
    this.set(this.start + by, this.end + by);
  }

  zoom(factor, at = (this.start + this.end) / 2) {
    this.set(at - (at - this.start) * factor, at + (this.end - at) * factor);
  }

  /** Let `canvas` show and change this range; `plot()` tells where it is drawn: {left, width}. */
  attach(canvas, plot) {
    const { node } = canvas;
    this.views.add(canvas);
    const toX = (px) => this.start + ((px - plot().left) / plot().width) * (this.end - this.start);
    let held = null;
    node.addEventListener("pointerdown", (event) => {
      const [px] = canvas.position(event);
      if (event.button || px < plot().left || px > plot().left + plot().width) return;
      held = { px, start: this.start, end: this.end, pan: event.shiftKey };
      node.setPointerCapture(event.pointerId);
    });
    node.addEventListener("pointermove", (event) => {
      if (!held) return;
      const [px] = canvas.position(event);
      if (held.pan) {
        const by = ((held.px - px) / plot().width) * (held.end - held.start);
        this.set(held.start + by, held.end + by);
      } else if (Math.abs(px - held.px) > 3) {
        canvas.selection = [held.px, px].sort((a, b) => a - b);
        canvas.redraw();
      }
    });
    const release = () => {
      const chosen = canvas.selection;
      held = null;
      canvas.selection = null;
      // The click that ends a drag is not a click on what lies there.
      canvas.dragged = Boolean(chosen);
      if (chosen) this.set(toX(chosen[0]), toX(chosen[1]));
    };
    node.addEventListener("pointerup", release);
    node.addEventListener("pointercancel", release);
    node.addEventListener("dblclick", () => this.reset());
    node.addEventListener("wheel", (event) => {
      // Out of focus the wheel scrolls the page.
      if (document.activeElement !== node && !event.ctrlKey) return;
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.pan(event.deltaX / plot().width);
      else this.zoom(Math.exp(event.deltaY * 0.002), toX(canvas.position(event)[0]));
    }, { passive: false });
    node.addEventListener("keydown", (event) => {
      const action = {
        ArrowLeft: () => this.pan(-0.2), ArrowRight: () => this.pan(0.2), "+": () => this.zoom(0.6),
        "=": () => this.zoom(0.6), "-": () => this.zoom(1 / 0.6), 0: () => this.reset(), Escape: () => this.reset(),
      }[event.key];
      if (!action || event.defaultPrevented || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      action();
    });
  }
}
