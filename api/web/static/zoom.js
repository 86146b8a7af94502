// The curve with every sample, to zoom and move. The drawing of the server and its tables stay where they are.
const STYLES = [[], [6, 3], [2, 2], [9, 3, 2, 3], [4, 4], [1, 3]];
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
  const sync = uPlot.sync(`curve-${button.dataset.zoom}`);
  const groups = {};
  for (const channel of trace.channels) (groups[channel.unit] ??= []).push(channel);
  const plots = [];
  for (const [unit, channels] of Object.entries(groups)) plots.push(draw(box, trace.local_s, unit, channels, sync, plots));
  const hint = document.createElement("p");
  hint.className = "small soft";
  hint.textContent = button.dataset.hint;
  box.prepend(hint);
  button.remove();
  new ResizeObserver(() => {
    for (const plot of plots) plot.setSize({ width: box.clientWidth, height: 220 });
  }).observe(box);
  keys(box, plots, trace.local_s);
}

function draw(box, time, unit, channels, sync, plots) {
  const spread = (plot, key) => {
    if (key !== "x" || plot.spreading) return;
    const { min, max } = plot.scales.x;
    for (const other of plots) {
      if (other === plot || (other.scales.x.min === min && other.scales.x.max === max)) continue;
      other.spreading = true;
      other.setScale("x", { min, max });
      other.spreading = false;
    }
  };
  // The samples' times are the machine's wall clock, so they are shown as if it were UTC: nothing is shifted.
  const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19);
  const axis = { stroke: ink("--soft"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line") } };
  return new uPlot(
    {
      width: box.clientWidth,
      height: 220,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { sync: { key: sync.key }, drag: { x: true, y: false, setScale: true } },
      scales: { x: { time: true } },
      axes: [{ ...axis, values: (_, splits) => splits.map((at) => clock(at).slice(0, 5)) }, { ...axis, label: `[${unit}]`, size: 60 }],
      series: [{ label: box.dataset.time, value: (_, at) => (at == null ? "–" : clock(at)) }, ...channels.map((channel, n) => ({ label: channel.label, stroke: colour(n), width: 1.4, dash: STYLES[n % 6], points: { show: false } }))],
      hooks: { setScale: [spread] },
    },
    [time, ...channels.map((channel) => channel.values)],
    box,
  );
}

// Plus and minus zoom, arrows move, zero shows all: nothing needs a mouse.
function keys(box, plots, time) {
  box.tabIndex = 0;
  box.focus();
  box.addEventListener("keydown", (event) => {
    const { min, max } = plots[0].scales.x;
    const span = max - min;
    const moves = {
      "+": [min + span / 4, max - span / 4],
      "-": [min - span / 2, max + span / 2],
      ArrowLeft: [min - span / 4, max - span / 4],
      ArrowRight: [min + span / 4, max + span / 4],
      0: [time[0], time[time.length - 1]],
    };
    const wanted = moves[event.key];
    if (!wanted) return;
    event.preventDefault();
    const least = Math.max(wanted[0], time[0]);
    const most = Math.min(wanted[1], time[time.length - 1]);
    if (most - least > 10) plots[0].setScale("x", { min: least, max: most });
  });
}
