"use strict";
// Which cell was found in which session.

drawn(() => {
  const rows = page.presence.length;
  const tall = Math.max(2, Math.min(10, Math.floor(900 / Math.max(rows, 1))));
  const top = 18;
  const columnOf = (width) => Math.min(90, width / page.days.length);
  const matrix = new Canvas($("presence-map"), {
    label: "Presence of cells in sessions",
    height: () => top + rows * tall + 2,
    draw(ctx, width) {
      const wide = columnOf(width);
      ctx.fillStyle = colours.muted;
      ctx.textAlign = "center";
      page.days.forEach((_, day) => ctx.fillText(String(day + 1), (day + 0.5) * wide, 12));
      page.presence.forEach((row, track) => row.forEach((probability, day) => {
        if (probability === null) return;
        ctx.globalAlpha = 0.25 + 0.75 * probability;
        ctx.fillStyle = hue(track);
        ctx.fillRect(day * wide + 1, top + track * tall, wide - 2, Math.max(tall - 1, 1));
      }));
      ctx.globalAlpha = 1;
      if (shown.track >= 0) {
        ctx.strokeStyle = colours.ink;
        ctx.strokeRect(0.5, top + shown.track * tall - 1, wide * page.days.length - 1, tall + 1);
      }
    },
  });
  shown.change.push(() => matrix.redraw());
  const at = (event) => {
    const [x, y] = matrix.position(event);
    return [Math.floor((y - top) / tall), Math.floor(x / columnOf(matrix.width))];
  };
  matrix.node.addEventListener("click", (event) => {
    const [track, day] = at(event);
    if (!page.presence[track]) return;
    showTrack(track);
    if (page.presence[track][day] !== null && page.days[day]) showDay(day);
  });
  matrix.node.addEventListener("pointermove", (event) => {
    const [track, day] = at(event);
    const probability = page.presence[track]?.[day];
    if (probability === undefined || !page.days[day]) return tip.hide();
    tip.show(event, [[`track ${page.numbers[track]}`], ["session", page.days[day]],
      ["probability", probability === null ? "not found" : number(probability, 3)]]);
  });
  matrix.node.addEventListener("pointerleave", () => tip.hide());
});
