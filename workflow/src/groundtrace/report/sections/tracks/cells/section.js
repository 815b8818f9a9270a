"use strict";
// Traces of the chosen cell in all sessions.

drawn(async () => {
  const row = 54;
  const left = 92;
  let series = {};
  let current = -1;
  const chart = new Canvas($("cell-traces"), {
    label: "dF/F of the chosen cell in every session",
    height: () => row * page.days.length + 22,
    draw(ctx, width) {
      const right = width - 92;
      const longest = Math.max(...page.durations, 1e-9);
      let [low, high] = [Infinity, -Infinity];
      for (const own of Object.values(series)) {
        const [a, b] = own.extent(0, longest);
        [low, high] = [Math.min(low, a), Math.max(high, b)];
      }
      page.days.forEach((name, day) => {
        const top = day * row;
        ctx.textAlign = "left";
        ctx.fillStyle = colours.muted;
        ctx.fillText(name.length > 14 ? `${name.slice(0, 13)}…` : name, 0, top + row / 2);
        ctx.strokeStyle = colours.line;
        ctx.strokeRect(left + 0.5, top + 2.5, right - left, row - 6);
        const rate = page.rates[shown.track]?.[day];
        ctx.fillText(rate === null || rate === undefined ? "not found" : `${number(rate, 2)} Hz`, right + 8, top + row / 2);
        const own = series[day];
        if (!own || !(high > low)) return;
        ctx.strokeStyle = colours.accent;
        ctx.lineWidth = 1;
        ctx.beginPath();
        own.trace(ctx, (time) => left + (time / longest) * (right - left),
          (value) => top + row - 6 - ((value - low) / (high - low)) * (row - 12), 0, page.durations[day], right - left);
        ctx.stroke();
      });
      ctx.fillStyle = colours.muted;
      ctx.textAlign = "left";
      if (high > low) ctx.fillText(`box: dF/F ${number(low, 2)} to ${number(high, 2)}, ${number(longest, 3)} s`, left, row * page.days.length + 14);
    },
  });
  async function load() {
    if (current === shown.track) return chart.redraw();
    current = shown.track;
    const found = page.traces[current];
    const total = page.numbers.length;
    $("cell-name").textContent = current < 0 ? "no cell" :
      `track ${page.numbers[current]}, ${sizes[current]} of ${page.days.length} sessions (${current + 1} of ${total})${found ? "" : ": traces did not fit into the page"}`;
    const made = {};
    for (const [day, data] of Object.entries(found?.days ?? {})) {
      made[day] = new Series(await unpack(data), found.step, page.durations[day]);
    }
    series = made;
    chart.redraw();
  }
  const move = (by) => page.numbers.length && showTrack((shown.track + by + page.numbers.length) % page.numbers.length);
  $("earlier").onclick = () => move(-1);
  $("later").onclick = () => move(1);
  chart.node.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") move(1);
    if (event.key === "ArrowLeft") move(-1);
  });
  shown.change.push(load);
  await load();
});
