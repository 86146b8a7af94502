// Sends files one after the other. What became of a file is drawn by the server; here are only the bytes on their way.
const form = document.getElementById("upload");
const list = document.getElementById("outcomes");
const none = document.getElementById("no-outcomes");
const progress = document.getElementById("progress");
const say = form.dataset;
const waiting = [];
let sending = 0;
const AT_ONCE = 2;
// How long to wait before a file is sent again whose line was lost [s]; after that a person is asked, or the line is back.
const PAUSES_S = [1, 2, 4, 8];
const lost = new Set();

for (const one of document.querySelectorAll("[data-needs-script]")) one.hidden = false;
for (const one of document.querySelectorAll("[data-without-script]")) one.hidden = true;

const busy = () => sending > 0 || waiting.length > 0;
addEventListener("beforeunload", (event) => {
  if (busy()) event.preventDefault();
});

function element(tag, text, attributes = {}) {
  const one = document.createElement(tag);
  one.textContent = text;
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
  return one;
}

function newRow(file) {
  const row = element("li", "", { class: "outcome", tabindex: "-1", "data-status": "sending" });
  const header = element("header", "");
  header.append(element("strong", file.name));
  const state = element("p", say.queued);
  const bar = element("progress", "", { max: "100", value: "0", "aria-label": `${file.name}: ${say.sending}` });
  row.append(header, state, bar);
  list.prepend(row);
  none.hidden = true;
  return { row, state, bar };
}

function pauseUntilOnline(milliseconds) {
  return new Promise((done) => {
    setTimeout(done, milliseconds);
    addEventListener("online", done, { once: true });
  });
}

addEventListener("online", () => {
  for (const again of lost) again();
});

function add(files) {
  for (const file of files) {
    const key = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now();
    waiting.push({ file, key, tries: 0, ...newRow(file) });
  }
  next();
}

// What was read and waits for a word can be saved with one button.
function offerAll() {
  const count = list.querySelectorAll("form[data-confirm]").length;
  const all = document.getElementById("confirm-all");
  all.hidden = count < 2;
  all.querySelector("button").textContent = all.dataset.many.replace("2", count);
}

function next() {
  while (sending < AT_ONCE && waiting.length) send(waiting.shift());
  if (!busy()) offerAll();
  if (!busy() && list.querySelector("[data-sent]")) progress.textContent = say.allDone;
}

function send(job) {
  sending += 1;
  const request = new XMLHttpRequest();
  const address = new URL("/v1/imports", location);
  if (document.getElementById("preview").checked) address.searchParams.set("preview", "true");
  request.open("POST", address);
  request.setRequestHeader("X-Filename", encodeURIComponent(job.file.name));
  request.setRequestHeader("X-Form-Token", form.elements.form_token.value);
  request.setRequestHeader("Idempotency-Key", job.key);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.upload.addEventListener("progress", (event) => {
    const share = event.total ? Math.round((100 * event.loaded) / event.total) : 100;
    job.bar.value = share;
    job.state.textContent = `${say.sending} ${share} %`;
  });
  request.upload.addEventListener("load", () => {
    job.state.textContent = say.checking;
    job.bar.removeAttribute("value");
  });
  request.addEventListener("loadend", async () => {
    await finish(job, request);
    sending -= 1;
    next();
  });
  request.send(job.file);
}

async function finish(job, request) {
  let answer = null;
  try {
    answer = JSON.parse(request.responseText);
  } catch {
    answer = null;
  }
  // Too many at once, or a busy server: the file waits its turn by itself.
  if (request.status === 429 || request.status === 503) {
    const pause = Math.min(Number(request.getResponseHeader("Retry-After")) || 5, 60);
    job.state.textContent = say.later;
    job.bar.value = 0;
    await new Promise((done) => setTimeout(done, pause * 1000));
    waiting.unshift(job);
    return;
  }
  // The line was lost. The same key goes with the file again: whatever arrived the first time is not doubled.
  if (request.status === 0 && job.tries < PAUSES_S.length) {
    job.state.textContent = say.line;
    job.bar.value = 0;
    await pauseUntilOnline(PAUSES_S[job.tries++] * 1000);
    waiting.unshift(job);
    return;
  }
  const receipt = Array.isArray(answer) ? answer[0] : answer;
  if (receipt && receipt.submission) await draw(job.row, receipt.submission);
  else refused(job, answer);
}

async function draw(row, submission) {
  const drawn = await rowOf(submission);
  if (!drawn) return;
  const earlier = document.getElementById(drawn.id);
  if (earlier && earlier !== row) earlier.remove();
  drawn.dataset.sent = "";
  swap(row, drawn);
  watch();
}

// The row of a submission as the server draws it; where the line is lost, as soon as it is back.
async function rowOf(submission) {
  for (;;) {
    try {
      const answer = await fetch(`/upload/rows?ids=${encodeURIComponent(submission)}`);
      return answer.ok ? parsed(await answer.text())[0] : null;
    } catch {
      await pauseUntilOnline(2000);
    }
  }
}

function swap(row, drawn) {
  const focused = row.contains(document.activeElement);
  row.replaceWith(drawn);
  if (focused) drawn.focus();
}

function parsed(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  return [...box.content.children];
}

// The bytes were not taken, or nobody knows: say so with the server's words if there are any, and offer to try again.
function refused(job, problem) {
  const row = job.row;
  const parts = problem && problem.message ? { happened: problem.title, means: problem.detail, todo: "" } : { happened: say.lost, means: say.lostMeans, todo: say.lostTodo };
  row.replaceChildren(row.querySelector("header"));
  row.className = "outcome bad";
  row.dataset.status = "lost";
  row.dataset.sent = "";
  for (const part of ["happened", "means", "todo"]) row.append(element("p", parts[part], { "data-part": part }));
  const again = element("button", say.again, { type: "button" });
  again.append(element("span", ` (${job.file.name})`, { class: "hidden-text" }));
  const resend = () => {
    lost.delete(resend);
    const fresh = newRow(job.file);
    swap(row, fresh.row);
    waiting.push({ file: job.file, key: job.key, tries: 0, ...fresh });
    next();
  };
  if (!problem) lost.add(resend);
  again.addEventListener("click", resend);
  row.append(again);
}

// Rows that are still being checked, or wait for a companion that may just have come, are asked for again.
let watching = null;
function watch() {
  if (watching) return;
  watching = setTimeout(async () => {
    watching = null;
    const open = [...list.querySelectorAll('[data-status="queued"], [data-status="waiting"][data-sent]')];
    for (const row of open) {
      const drawn = await rowOf(row.id);
      if (!drawn || drawn.dataset.status === row.dataset.status) continue;
      drawn.dataset.sent = "";
      // A part whose companion came stands in the row of the whole.
      if (drawn.id !== row.id && document.getElementById(drawn.id)) row.remove();
      else swap(row, drawn);
    }
    if (list.querySelector('[data-status="queued"]') || busy()) watch();
  }, 1500);
}
watch();

for (const name of ["files", "folder"]) {
  const input = document.getElementById(name);
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
}

const drop = document.getElementById("drop");
for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
  add(entries.length ? (await Promise.all(entries.map((entry) => walk(entry, 0)))).flat() : [...event.dataTransfer.files]);
});

const DEPTH = 8;
async function walk(entry, depth) {
  if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
  if (depth >= DEPTH) return [];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) break;
    found.push(...some);
  }
  return (await Promise.all(found.map((one) => walk(one, depth + 1)))).flat();
}
