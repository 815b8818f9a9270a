"use strict";
// Raw against registered, the clip of the worst motion, displacement and correlation over time.

drawn(async () => {
  comparison();
  await displacement();
  await motionClip();
});

async function displacement() {
  const load = (packed) => packed && Series.from(packed, duration);
  const [y, x, block, correlation] = await Promise.all(
    [page.shifts.y, page.shifts.x, page.shifts.block, page.correlation].map(load));
  const lanes = [{ name: "bad frame", colour: "bad", intervals: seconds(page.marks.bad) }];
  const time = { label: "time", unit: "s", range: recorded };
  report.shifts = new Chart($("shifts"), {
    height: 210, label: "Displacement over time", x: time, y: { label: "displacement", unit: "px" }, lanes,
    layers: [
      ...(block ? [line(block, { name: "largest block beyond (y, x)", colour: "faint", unit: "px" })] : []),
      line(y, { name: "y, down", unit: "px" }), line(x, { name: "x, right", colour: "spike", unit: "px" }),
      cursor(() => report.moment),
    ],
  });
  if (page.depth) {
    const [value, low, high] = await Promise.all([page.depth.value, page.depth.low, page.depth.high].map(load));
    const unit = page.depth.unit;
    const name = unit === "SD" ? "axial mode" : "depth";
    report.depth = new Chart($("depth"), {
      height: 170, label: `${name} over time`, x: time, y: { label: name, unit }, lanes,
      layers: [
        line(low, { name: "a standard error less", colour: "faint", unit }),
        line(high, { name: "a standard error more", colour: "faint", unit }),
        line(value, { name, unit }), cursor(() => report.moment),
      ],
    });
  }
  report.correlation = new Chart($("correlation"), {
    height: 160, label: "Correlation of registered frames with the template", x: time, y: { label: "correlation" },
    lanes, layers: [line(correlation, { name: "correlation with the template", colour: "good" })],
  });
}

/** Raw against registered mean image: side by side, under a slider, or in turn. */
function comparison() {
  const host = $("compare");
  $("before").src = page.images.before;
  $("after").src = page.images.after;
  let blinking;
  const mode = (name) => {
    clearInterval(blinking);
    host.dataset.mode = name;
    host.classList.remove("swapped");
    if (name === "flicker") blinking = setInterval(() => host.classList.toggle("swapped"), 600);
  };
  document.querySelectorAll("input[name=mode]").forEach((input) => {
    input.onchange = () => mode(input.value);
    if (input.checked) mode(input.value);
  });
  $("wipe").oninput = () => host.style.setProperty("--wipe", `${$("wipe").value}%`);
}

/** The stretch of the worst motion, raw and registered side by side. */
async function motionClip() {
  const clip = page.motionClip;
  if (!$("motionclip")) return;
  $("motionclip").hidden = !clip;
  if (!clip) return;
  report.motion = new Player($("motionplayer"), {
    label: "Clip of the worst motion, raw and registered", names: ["raw", "registered"],
    onframe: (time) => { report.moment = time; report.shifts?.canvas.redraw(); },
  });
  await report.motion.load([clip.raw, clip.registered], clip.frame, clip.step);
}
