"use strict";
// Brightness of the raw frames, with the frames that are marked.

drawn(async () => {
  const { blank, dropped, flash, excluded, saturated } = page.marks;
  const brightness = await Series.from(page.brightness, duration);
  report.brightness = new Chart($("brightness"), {
    height: 190, label: "Mean brightness of the raw frames", x: { label: "time", unit: "s", range: recorded }, y: { label: "brightness" },
    lanes: [
      { name: "blank", colour: "bad", intervals: seconds(blank) },
      { name: "dropped", colour: "warn", intervals: seconds(dropped) },
      { name: "flash", colour: "accent", intervals: seconds(flash) },
      { name: "excluded by the sheet", colour: "muted", intervals: seconds(excluded) },
      { name: "saturated", colour: "spike", intervals: seconds(saturated) },
    ],
    layers: [line(brightness, { name: "mean of the frame" })],
  });
});
