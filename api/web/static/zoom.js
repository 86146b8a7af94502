// The curve with every sample, to zoom and move. The drawing of the server and its tables stay where they are.
const STYLES = [[], [6, 3], [2, 2], [9, 3, 2, 3], [4, 4], [1, 3]];
const HEIGHT = 220;
const LEAST_S = 10;
const colour = (n) => getComputedStyle(document.documentElement).getPropertyValue(`--s${(n % 6) + 1}`).trim();
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

for (const button of document.querySelectorAll("button[data-zoom]")) {
  button.hidden = false;
  button.addEventListener("click", () => open(button), { once: true });
}

function load(address, tag) {
  return new Promise((done, fail) => {
    const one = document.createElement(tag);
    one.onload = done;
    one.onerror = fail;
    if (tag === "script") one.src = address;
    else Object.assign(one, { rel: "stylesheet", href: address });
    document.head.append(one);
  });
}

async function open(button) {
  const box = button.parentElement.nextElementSibling;
  button.disabled = true;
  const [answer] = await Promise.all([fetch(button.dataset.zoom), load(button.dataset.script, "script"), load(button.dataset.sheet, "link")]);
  const trace = await answer.json();
  box.hidden = false;
  const hint = document.createElement("p");
  hint.className = "small soft";
  hint.textContent = button.dataset.hint;
  box.append(hint);
  const view = window_of(Float64Array.from(trace.local_s));
  const sync = uPlot.sync(`curve-${button.dataset.zoom}`);
  const groups = {};
  for (const channel of trace.channels) (groups[channel.unit] ??= []).push(channel);
  for (const [unit, channels] of Object.entries(groups)) view.plots.push(draw(box, view, unit, channels, sync));
  button.remove();
  new ResizeObserver(() => {
    for (const plot of view.plots) plot.setSize({ width: box.clientWidth, height: HEIGHT });
    view.show(view.min, view.max);
  }).observe(box);
  keys(box, view);
}

// The stretch of time that all planes show. Many wishes within one frame cost one drawing.
function window_of(time) {
  const view = { time, plots: [], first: time[0], last: time[time.length - 1], min: time[0], max: time[time.length - 1] };
  let asked = false;
  view.show = (min, max) => {
    const span = Math.min(max - min, view.last - view.first);
    if (span < Math.min(LEAST_S, view.last - view.first)) return;
    min = Math.min(Math.max(min, view.first), view.last - span);
    max = min + span;
    Object.assign(view, { min, max });
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      for (const plot of view.plots) fill(plot, view);
    });
  };
  return view;
}

function fill(plot, view) {
  const width = plot.bbox.width / devicePixelRatio;
  const data = reduced(view, plot.channels, width);
  plot.isDense = data[0].length > width;
  plot.batch(() => {
    plot.setData(data, false);
    plot.setScale("x", { min: view.min, max: view.max });
  });
}

// At most two samples a column of the drawing and channel, the least and the greatest in their order: no peak is lost,
// and what costs time is the width of the window, not the length of the session.
function reduced(view, channels, width) {
  const { time, min, max } = view;
  const from = Math.max(0, place(time, min) - 1);
  const to = Math.min(time.length, place(time, max) + 2);
  if (to - from <= 2 * width) return [time.subarray(from, to), ...channels.map((one) => one.values.slice(from, to))];
  const edges = [from];
  const span = max - min;
  for (let i = from + 1, column = 0; i < to; i++) {
    const now = Math.floor(((time[i] - min) / span) * width);
    if (now > column) {
      edges.push(i);
      column = now;
    }
  }
  edges.push(to);
  const at = new Float64Array(2 * (edges.length - 1));
  for (let k = 0; k + 1 < edges.length; k++) {
    at[2 * k] = time[edges[k]];
    at[2 * k + 1] = time[edges[k + 1] - 1];
  }
  return [at, ...channels.map((one) => extremes(one.numbers, edges))];
}

function extremes(numbers, edges) {
  const found = new Array(2 * (edges.length - 1));
  for (let k = 0; k + 1 < edges.length; k++) {
    let low = -1;
    let high = -1;
    for (let i = edges[k]; i < edges[k + 1]; i++) {
      if (low < 0 ? numbers[i] === numbers[i] : numbers[i] < numbers[low]) low = i;
      if (high < 0 ? numbers[i] === numbers[i] : numbers[i] > numbers[high]) high = i;
    }
    found[2 * k] = low < 0 ? null : numbers[Math.min(low, high)];
    found[2 * k + 1] = low < 0 ? null : numbers[Math.max(low, high)];
  }
  return found;
}

// Where a line goes up and down in every column of the drawing, dashes and joints cannot be seen and take most of the
// time: each column is one upright bar from its least to its greatest value, and meets the bar before it.
function bars(plot, series, first, last) {
  const path = new Path2D();
  const { scale } = plot.series[series];
  const [at, values] = [plot.data[0], plot.data[series]];
  const thick = 1.4 * devicePixelRatio;
  let before = null;
  for (let i = first & ~1; i < last; i += 2) {
    const [one, other] = [values[i], values[i + 1]];
    if (one == null || other == null) {
      before = null;
      continue;
    }
    const top = plot.valToPos(Math.max(one, other, before ?? one), scale, true);
    const bottom = plot.valToPos(Math.min(one, other, before ?? one), scale, true);
    path.rect(Math.round(plot.valToPos(at[i], "x", true)), top - thick / 2, thick, bottom - top + thick);
    before = other;
  }
  return { stroke: null, fill: path, clip: null, flags: 0 };
}

function lines(plot, series, first, last) {
  return plot.isDense ? bars(plot, series, first, last) : uPlot.paths.linear()(plot, series, first, last);
}

function place(time, wanted) {
  let low = 0;
  let high = time.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (time[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function draw(box, view, unit, channels, sync) {
  for (const one of channels) one.numbers = Float64Array.from(one.values, (value) => value ?? NaN);
  // The samples' times are the machine's wall clock, so they are shown as if it were UTC: nothing is shifted.
  const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19);
  const axis = { stroke: ink("--soft"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line") } };
  const zoomed = (plot) => {
    const { left, width } = plot.select;
    if (width > 0) view.show(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  };
  const plot = new uPlot(
    {
      width: box.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { sync: { key: sync.key }, drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => view.show(view.first, view.last) } },
      scales: { x: { time: true, auto: false } },
      axes: [{ ...axis, values: (_, splits) => splits.map((at) => clock(at).slice(0, 5)) }, { ...axis, label: `[${unit}]`, size: 60 }],
      series: [{ label: box.dataset.time, value: (_, at) => (at == null ? "–" : clock(at)) }, ...channels.map((channel, n) => ({ label: channel.label, stroke: colour(n), fill: (plot) => (plot.isDense ? colour(n) : null), paths: lines, width: 1.4, dash: STYLES[n % 6], points: { show: false } }))],
      hooks: { setSelect: [zoomed] },
    },
    [view.time, ...channels.map((channel) => channel.values)],
    box,
  );
  plot.channels = channels;
  fill(plot, view);
  return plot;
}

// Plus and minus zoom, arrows move, zero shows all: nothing needs a mouse.
function keys(box, view) {
  box.tabIndex = 0;
  box.focus();
  box.addEventListener("keydown", (event) => {
    const { min, max } = view;
    const span = max - min;
    const moves = {
      "+": [min + span / 4, max - span / 4],
      "-": [min - span / 2, max + span / 2],
      ArrowLeft: [min - span / 4, max - span / 4],
      ArrowRight: [min + span / 4, max + span / 4],
      0: [view.first, view.last],
    };
    const wanted = moves[event.key];
    if (!wanted) return;
    event.preventDefault();
    view.show(...wanted);
  });
}
