// One item on the artist's page: every tap is sent at once, and "Saved" appears when the server says that it is.
"use strict";

const item = document.querySelector("#item");
const words = JSON.parse(item.dataset.words);
const position = item.dataset.position;
const readOnly = "readOnly" in item.dataset;
const fields = [...document.querySelectorAll("fieldset.rubric")];
const comment = document.querySelector("#comment");
const status = document.querySelector("#status");
const retry = document.querySelector("#retry");

// --- saving: one request at a time, in order, each with a key of its own, so that one sent twice is saved once ---

const waiting = new Map(); // field -> {value, key}: what the server has not confirmed
let sending = false;
let wake = () => {};

function newKey() {
  // crypto.randomUUID is missing where a studio's computer is reached without https
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function say(text, trouble = false) {
  if (status.textContent !== text) status.textContent = text;
  status.classList.toggle("trouble", trouble);
  retry.hidden = !trouble;
}

function save(field, value) {
  waiting.delete(field);
  waiting.set(field, { value, key: newKey() });
  return send();
}

/** Sends everything that waits. True when the server has it all. */
async function send() {
  if (sending) {
    wake();
    return sending;
  }
  sending = sendAll();
  try {
    return await sending;
  } finally {
    sending = false;
  }
}

async function sendAll() {
  for (let pause = 1; waiting.size; ) {
    const [field, mark] = waiting.entries().next().value;
    say(words.saving);
    let response, answer;
    try {
      response = await fetch(`${position}/marks`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify({ field, ...mark }),
        signal: AbortSignal.timeout(20000),
      });
      answer = await response.json();
    } catch {
      say(words.offline, true);
    }
    if (answer && response.ok) {
      if (waiting.get(field) === mark) waiting.delete(field);
      pause = 1;
      if (!waiting.size && !typing) say(words.saved.replace("{time}", clock(answer.at)));
      if (answer.state === "done" && document.querySelector("#feedback")) setTimeout(refresh);
      continue;
    }
    if (answer && response.status === 429) say(words.busy, true);
    else if (answer && response.status < 500) {
      say(words.refused.replace("{reason}", answer.error ?? answer.detail), true);
      return false; // it would be refused again
    } else if (answer) say(answer.error ?? words.offline, true);
    await new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, pause * 1000);
    });
    pause = Math.min(2 * pause, 15);
  }
  return true;
}

function clock(moment) {
  return new Date(moment).toLocaleTimeString("en-GB");
}

retry.addEventListener("click", () => send());
addEventListener("online", () => waiting.size && send());
addEventListener("beforeunload", (event) => {
  if (waiting.size || typing) event.preventDefault();
});

// --- scores ---

for (const field of fields)
  field.addEventListener("change", (event) => {
    makeCurrent(field);
    const value = item.dataset.mode === "pair" ? event.target.value : Number(event.target.value);
    document.querySelector("#skipped")?.remove();
    save(field.dataset.field, value);
  });

function chosen(field) {
  return field.querySelector("input:checked");
}

function makeCurrent(field) {
  for (const other of fields) other.classList.toggle("current", other === field);
}

let typing = null; // the comment has changed since it was last sent

comment.addEventListener("input", () => {
  say(words.unsaved);
  clearTimeout(typing);
  typing = setTimeout(saveComment, 1200);
});
comment.addEventListener("blur", () => typing && saveComment());

function saveComment() {
  clearTimeout(typing);
  typing = null;
  return save("comment", comment.value);
}

function showFeedback(feedback) {
  for (const field of fields) {
    const line = field.querySelector(".expected");
    const score = feedback.expected[field.dataset.field];
    if (score === undefined || !chosen(field)) continue;
    const given = Number(chosen(field).value);
    const text = given === score ? words.expected_same : words.expected;
    line.textContent = text.replace("{score}", score).replace("{given}", given);
    line.classList.toggle("same", given === score);
    line.hidden = false;
  }
  const box = document.querySelector("#feedback");
  box.querySelector(".why").textContent = feedback.why;
  if (box.hidden) {
    box.hidden = false;
    box.scrollIntoView({ block: "nearest" });
  }
}

// --- going on and back ---

let leaving = false;

/** Goes to another page once everything is saved; otherwise stays here, where the reason stands. */
async function leave(address) {
  if (leaving || !address) return;
  leaving = true;
  if (typing) saveComment();
  if (!waiting.size || (await send())) location.assign(address);
  else leaving = false;
}

async function goOn() {
  if (waiting.size && !(await send())) return; // why it is not saved stays to be read
  const missing = fields.filter((field) => !chosen(field));
  if (!readOnly && missing.length && !document.querySelector("#skipped")) {
    const names = missing.map((field) => field.dataset.title).join(", ");
    say(item.dataset.mode === "pair" ? words.missing_better : words.missing.replace("{fields}", names));
    makeCurrent(missing[0]);
    missing[0].scrollIntoView({ block: "center" });
    return;
  }
  leave(item.dataset.next);
}

document.querySelector("#next").addEventListener("click", goOn);
document.querySelector("#back").addEventListener("click", () => leave(item.dataset.back));
document.querySelector(".where a").addEventListener("click", (event) => {
  event.preventDefault();
  leave(event.target.getAttribute("href"));
});
addEventListener("pageshow", (event) => {
  leaving = false;
  if (event.persisted) refresh();
});

document.querySelector("#skip")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const text = form.get("text").trim();
  const reason = [form.get("reason"), text].filter(Boolean).join(": ");
  document.querySelector("#skip-error").hidden = Boolean(reason);
  if (!reason || leaving) return;
  save("skip", reason);
  leave(item.dataset.next);
});

document.querySelector("#unskip")?.addEventListener("click", () => {
  document.querySelector("#skipped").remove();
  save("skip", null);
});

// --- keys ---

addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
  const target = event.target;
  if (target.matches("textarea, input:not([type=radio])") || target.closest("#skip")) return;
  const onControl = target.matches("a, button, summary");
  if (event.key === "Enter" && !onControl) goOn();
  else if (event.key === "Backspace") leave(item.dataset.back);
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event.key === "ArrowDown" ? 1 : -1);
  else if (/^[0-9]$/.test(event.key) && !readOnly && !event.repeat) pick(Number(event.key));
  else return;
  event.preventDefault();
});

function current() {
  return fields.find((field) => field.classList.contains("current"));
}

function move(step) {
  const place = fields.indexOf(current()) + step;
  const field = fields[Math.min(Math.max(place, 0), fields.length - 1)];
  makeCurrent(field);
  field.scrollIntoView({ block: "nearest" });
}

function pick(number) {
  const field = current() ?? fields[0];
  const radios = field.querySelectorAll("input");
  const radio = radios[item.dataset.mode === "pair" ? number - 1 : number];
  if (!radio) return;
  radio.checked = true;
  radio.focus({ preventScroll: true }); // or Enter would press what was clicked last
  radio.dispatchEvent(new Event("change", { bubbles: true }));
  const next = fields.find((other) => !chosen(other));
  if (next) {
    makeCurrent(next);
    next.scrollIntoView({ block: "nearest" });
  }
}

if (!readOnly) makeCurrent(fields.find((field) => !chosen(field)) ?? fields[0]);

// --- another tab may have said something meanwhile ---

async function refresh() {
  if (waiting.size || typing || document.hidden) return;
  let now;
  try {
    const response = await fetch(`${position}/marks`, { headers: { Accept: "application/json" } });
    if (!response.ok) return; // the next tap will say why
    now = await response.json();
  } catch {
    return;
  }
  if (waiting.size || typing) return;
  for (const field of fields) {
    const value = now.marks[field.dataset.field];
    for (const radio of field.querySelectorAll("input")) radio.checked = radio.value === String(value);
  }
  comment.value = now.marks.comment ?? "";
  if (now.feedback) showFeedback(now.feedback);
}

document.addEventListener("visibilitychange", refresh);
if (document.querySelector("#feedback")) refresh();

// --- the picture at full size ---

const large = document.querySelector("#large");
const big = large.querySelector("img");
const small = document.querySelector("#zoom img");

document.querySelector("#zoom").addEventListener("click", () => {
  big.src = small.src;
  big.classList.remove("actual");
  large.showModal();
});
document.querySelector("#close").addEventListener("click", () => large.close());
big.addEventListener("click", (event) => {
  const x = event.offsetX / big.clientWidth;
  const y = event.offsetY / big.clientHeight;
  if (!big.classList.toggle("actual")) return;
  const around = big.parentElement;
  around.scrollTo(x * big.clientWidth - around.clientWidth / 2, y * big.clientHeight - around.clientHeight / 2);
});

// --- ready: what was tapped or typed before this script was there is saved now ---

for (const field of fields) {
  const early = chosen(field);
  if (early && !early.defaultChecked) early.dispatchEvent(new Event("change", { bubbles: true }));
}
if (comment.value !== comment.defaultValue) saveComment();
for (const button of document.querySelectorAll("#next, #back")) button.disabled = false;
