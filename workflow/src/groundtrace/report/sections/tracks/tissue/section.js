"use strict";
// Aligned mean images, one at a time, with the cells of the session; and which cell and session are shown.

const { cells } = page;
const shown = { day: 0, track: page.numbers.length ? 0 : -1, change: [] };

/** A track's colour: hues far apart for numbers close together. */
const hue = (track) => `hsl(${(track * 137.508) % 360} 85% 62%)`;
const sessionsOf = (track) => cells.track.reduce((n, own) => n + (own === track), 0);
const sizes = page.numbers.map((_, track) => sessionsOf(track));

function showTrack(track) {
  shown.track = track;
  shown.change.forEach((redraw) => redraw());
}

function showDay(day) {
  shown.day = day;
  $("day").value = day;
  $("day-name").textContent = page.days[day] + (page.aligned[day] ? "" : ": left out");
  shown.change.forEach((redraw) => redraw());
}

drawn(async () => {
  const images = await Promise.all(page.pictures.map(async (source) => {
    if (!source) return null;
    const image = new Image();
    image.src = source;
    await image.decode();
    return image;
  }));
  const drawings = shapes(page.footprints.counts, await unpack(page.footprints.runs, Int32Array), page.width, page.height);
  const widest = 760;
  const scaleOf = (width) => Math.min(width, widest) / page.width;
  const map = new Canvas($("tissue-map"), {
    label: "Mean image of a session with its cells",
    height: (width) => scaleOf(width) * page.height,
    draw(ctx, width, height) {
      const scale = scaleOf(width);
      ctx.fillStyle = "#000";
      ctx.fillRect(0, 0, scale * page.width, height);
      if (images[shown.day]) ctx.drawImage(images[shown.day], 0, 0, scale * page.width, height);
      if (!$("outlines").checked) return;
      ctx.save();
      ctx.scale(scale, scale);
      cells.day.forEach((day, i) => {
        if (day !== shown.day) return;
        const own = cells.track[i] === shown.track;
        ctx.strokeStyle = hue(cells.track[i]);
        ctx.lineWidth = (own ? 3.5 : 1.5) / scale;
        ctx.setLineDash(sizes[cells.track[i]] > 1 ? [] : [3 / scale, 3 / scale]);
        ctx.stroke(drawings[i].outline);
      });
      ctx.restore();
    },
  });
  shown.change.push(() => map.redraw());
  const under = (event) => {
    const [x, y] = map.position(event);
    const scale = scaleOf(map.width);
    let best = -1;
    let nearest = 1.2 * page.radius;
    cells.day.forEach((day, i) => {
      const away = Math.hypot(cells.x[i] + 0.5 - x / scale, cells.y[i] + 0.5 - y / scale);
      if (day === shown.day && away < nearest) [best, nearest] = [i, away];
    });
    return best;
  };
  map.node.addEventListener("click", (event) => { const i = under(event); if (i >= 0) showTrack(cells.track[i]); });
  map.node.addEventListener("pointermove", (event) => {
    const i = under(event);
    if (i < 0) return tip.hide();
    tip.show(event, [[`track ${page.numbers[cells.track[i]]}`], ["ROI", cells.roi[i]], ["sessions", sizes[cells.track[i]]],
      ["probability", number(cells.probability[i], 3)], ["next likely track", number(cells.runner[i], 3)]]);
  });
  map.node.addEventListener("pointerleave", () => tip.hide());
  $("day").oninput = () => showDay(Number($("day").value));
  $("outlines").onchange = () => map.redraw();
  let timer;
  $("flicker").onclick = () => {
    clearInterval(timer);
    const on = $("flicker").ariaPressed !== "true";
    $("flicker").ariaPressed = String(on);
    $("flicker").textContent = on ? "Stop" : "Flicker";
    if (on) timer = setInterval(() => showDay((shown.day + 1) % page.days.length), 500);
  };
  showDay(0);
  report.tissue = { map, showDay, showTrack, shown };
});
