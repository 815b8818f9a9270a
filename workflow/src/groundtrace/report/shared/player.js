"use strict";
// Clips: pictures of a sprite sheet in turn, one clip or two side by side, with play, pause and a bar to scrub.

const GAP = 8; // px between two clips
const SPEED = { slowest: 4, fastest: 15 }; // pictures per second

class Player {
  /** label: what is shown, for those who do not see it; overlay(ctx, clip, scale, k): drawn over each picture, in pixels
   * of the clip; names: below clips side by side; onframe(time): called with the time of the picture, s. */
  constructor(host, { label, names = [], overlay = () => {}, onframe = () => {} }) {
    Object.assign(this, { host, overlay, onframe, clips: [], images: [], at: 0, playing: false });
    this.canvas = new Canvas(host, { height: (wide) => this.tallness(wide), label, draw: (...all) => this.draw(...all) });
    this.button = element("button", { type: "button" }, "play");
    this.bar = element("input", { type: "range", min: 0, max: 0, value: 0, "aria-label": "Picture of the clip" });
    this.time = element("span", { class: "time" });
    if (names.length) host.append(element("div", { class: "names" }, ...names.map((name) => element("span", {}, name))));
    host.append(element("div", { class: "player" }, this.button, this.bar, this.time));
    this.button.onclick = () => (this.playing ? this.pause() : this.play());
    this.bar.oninput = () => { this.pause(); this.show(Number(this.bar.value)); };
  }

  /** Show clips of equal size, from their first picture; resolves when they are there. */
  async load(clips, frame, step) {
    Object.assign(this, { clips, frame, step, at: 0, images: [] });
    this.bar.max = (clips[0]?.count ?? 1) - 1;
    if (this.canvas.width) this.canvas.fit();
    const images = clips.map(({ sheet }) => Object.assign(new Image(), { src: sheet }));
    await Promise.all(images.map((image) => image.decode()));
    if (this.clips !== clips) return;
    this.images = images;
    this.show(0);
  }

  tallness(wide) {
    const [clip] = this.clips;
    if (!clip) return 0;
    return Math.round(((wide - GAP * (this.clips.length - 1)) / this.clips.length / clip.width) * clip.height);
  }

  /** Time of a picture, s. */
  timeOf(k) {
    return (this.frame + (k + 0.5) * this.step) / page.frameRate;
  }

  show(k) {
    this.at = k;
    this.bar.value = k;
    this.time.textContent = `${this.timeOf(k).toFixed(2)} s`;
    this.canvas.redraw();
    this.onframe(this.timeOf(k));
  }

  play() {
    this.playing = true;
    this.button.textContent = "pause";
    // As fast as it was, within what the eye can follow.
    const rate = Math.max(SPEED.slowest, Math.min(SPEED.fastest, page.frameRate / this.step));
    clearInterval(this.timer);
    this.timer = setInterval(() => this.show((this.at + 1) % this.clips[0].count), 1000 / rate);
  }

  pause() {
    this.playing = false;
    this.button.textContent = "play";
    clearInterval(this.timer);
  }

  draw(ctx, width, height) {
    const wide = (width - GAP * (this.clips.length - 1)) / Math.max(this.clips.length, 1);
    this.images.forEach((image, n) => {
      const { columns, cellWidth, cellHeight, width: w, height: h } = this.clips[n];
      const [x, y] = [(this.at % columns) * cellWidth, Math.floor(this.at / columns) * cellHeight];
      const left = n * (wide + GAP);
      ctx.imageSmoothingEnabled = wide / w < 3;
      ctx.drawImage(image, x, y, w, h, left, 0, wide, height);
      ctx.save();
      ctx.translate(left, 0);
      ctx.beginPath();
      ctx.rect(0, 0, wide, height);
      ctx.clip();
      ctx.scale(wide / w, wide / w);
      this.overlay(ctx, this.clips[n], wide / w, this.at);
      ctx.restore();
    });
  }
}
