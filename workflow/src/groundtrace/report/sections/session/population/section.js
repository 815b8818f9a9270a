"use strict";
// The raster of all cells; a click on a row selects its ROI.

drawn(() => {
  if (page.raster) raster(timeRange());
});

function raster(time) {
  const { order, rows, columns, binSeconds } = page.raster;
  const image = new Image();
  const cell = (py, { toY }) => order[Math.max(0, Math.min(order.length - 1, Math.floor(toY.invert(py))))];
  const layer = {
    draw(ctx, { toX, toY, box }) {
      if (!image.complete) return;
      ctx.fillStyle = colours.surface;
      ctx.fillRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
      // White is silent: it takes the colour of the page, so that only activity stands out.
      ctx.globalCompositeOperation = colours.dark ? "lighten" : "darken";
      if (colours.dark) ctx.filter = "invert(1)";
      ctx.imageSmoothingEnabled = toX(binSeconds) - toX(0) < 3;
      const [left, right] = [toX(0), toX(columns * binSeconds)];
      ctx.drawImage(image, 0, 0, columns, rows, left, box.top, right - left, box.bottom - box.top);
      ctx.filter = "none";
      ctx.globalCompositeOperation = "source-over";
      const at = order.indexOf(report.selected);
      if (at < 0) return;
      ctx.fillStyle = colours.spike;
      ctx.fillRect(box.left, toY(at), 7, Math.max(3, toY(at + 1) - toY(at)));
    },
    read: (px, py, chart) => ({ rows: [["ROI", String(page.rois.roi[cell(py, chart)])]], index: cell(py, chart) }),
  };
  report.raster = new Chart($("raster"), {
    height: Math.max(180, Math.min(460, 60 + order.length * 3)),
    label: "Raster of the spike rates of all cells; click a row to see its trace.",
    x: { label: "time", unit: "s", range: time }, y: { label: "cells, sorted", whole: true, low: order.length, high: 0 },
    layers: [layer], pick: select,
  });
  image.onload = () => report.raster.canvas.redraw();
  image.src = page.raster.image;
}
