"use strict";
// The image under the ROIs: which one, and what is black and white in it.

class Background {
  /** images: [{name, image, low, high}], low and high (0 to 255) black and white at first; `width` of the movie, px. */
  constructor(images, width, onchange) {
    Object.assign(this, { images, width, onchange, grey: new Map() });
    this.levels = new Map(images.map(({ name, low, high }) => [name, { low, high }]));
    this.canvas = document.createElement("canvas");
    this.canvas.width = 0;
  }

  /** Show another image; resolves when it is there. */
  async choose(name) {
    this.name = name;
    if (!this.grey.has(name)) this.grey.set(name, await this.load(this.images.find((one) => one.name === name).image));
    // Another one may have been chosen while this one was decoded.
    if (this.name === name) this.paint();
  }

  async load(uri) {
    const image = new Image();
    image.src = uri;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.naturalWidth, height: image.naturalHeight });
    const ctx = canvas.getContext("2d", { willReadFrequently: true });
    ctx.drawImage(image, 0, 0);
    return ctx.getImageData(0, 0, canvas.width, canvas.height);
  }

  get level() {
    return this.levels.get(this.name);
  }

  /** Make `low` black and `high` white; both 0 to 255, `high` the larger one. */
  set level({ low, high }) {
    this.levels.set(this.name, { low, high });
    this.paint();
  }

  /** Black and white as they were at first. */
  reset() {
    const { low, high } = this.images.find((one) => one.name === this.name);
    this.level = { low, high };
  }

  paint() {
    const grey = this.grey.get(this.name);
    if (!grey) return;
    const { low, high } = this.level;
    const table = Uint8ClampedArray.from({ length: 256 }, (_, value) => (255 * (value - low)) / Math.max(high - low, 1));
    const shown = new ImageData(grey.width, grey.height);
    for (let i = 0; i < shown.data.length; i += 4) {
      shown.data[i] = shown.data[i + 1] = shown.data[i + 2] = table[grey.data[i]];
      shown.data[i + 3] = 255;
    }
    Object.assign(this.canvas, { width: grey.width, height: grey.height });
    this.canvas.getContext("2d").putImageData(shown, 0, 0);
    this.onchange();
  }

  /** Draw it where one unit of `ctx` is a pixel of the movie, each `scale` pixels of the screen wide. */
  draw(ctx, scale) {
    if (!this.canvas.width) return;
    // A large field was shrunk by a whole number, and may have been filled up at its lower and right edge.
    const factor = Math.ceil(this.width / this.canvas.width);
    ctx.imageSmoothingEnabled = scale < 3;
    ctx.drawImage(this.canvas, 0, 0, this.canvas.width * factor, this.canvas.height * factor);
  }
}

/** Connect a Background with its controls: the choice of the image, black, white, and as at first. */
function backgroundControls(background, { choice, black, white, reset }) {
  const show = () => {
    black.value = background.level.low;
    white.value = background.level.high;
  };
  choice.onchange = async () => {
    await background.choose(choice.value);
    show();
  };
  black.oninput = () => {
    const low = Math.min(Number(black.value), 254);
    background.level = { low, high: Math.max(background.level.high, low + 1) };
    show();
  };
  white.oninput = () => {
    const high = Math.max(Number(white.value), 1);
    background.level = { low: Math.min(background.level.low, high - 1), high };
    show();
  };
  reset.onclick = () => {
    background.reset();
    show();
  };
  return choice.onchange();
}
