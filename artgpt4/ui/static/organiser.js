// The organiser's pages: a form that keeps what was entered when it is refused, and parts that renew themselves.
"use strict";

// Links as they are to be sent, with this server's name before them.
for (const made of document.querySelectorAll("textarea#made"))
  made.value = made.value.trimEnd().replace(/(?:\.\.\/|\.\/)+\S*/g, (address) => new URL(address, location.href).href);

function inLocalTime(part) {
  for (const time of part.querySelectorAll("time"))
    time.textContent = new Date(time.dateTime).toLocaleString("sv-SE");
}
inLocalTime(document);

for (const chip of document.querySelectorAll("button.add")) {
  chip.addEventListener("click", () => {
    const area = document.querySelector(chip.dataset.to);
    area.value = [...area.value.split("\n").filter((line) => line.trim()), chip.dataset.text].join("\n");
  });
  chip.disabled = false; // a tap before this would be lost
}

// --- a new study ---

const form = document.querySelector("#new");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button.button");
  if (button.disabled) return;
  const trouble = document.querySelector("#trouble");
  const label = button.textContent;
  const show = (text, list = []) => {
    const items = document.createElement("ul");
    for (const entry of list) items.appendChild(document.createElement("li")).textContent = entry;
    trouble.replaceChildren(text, ...(list.length ? [items] : []));
    trouble.hidden = false;
  };
  const files = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
  if (files.reduce((sum, file) => sum + file.size, 0) > Number(form.dataset.limit)) return show(form.dataset.large);
  button.disabled = true;
  button.textContent = form.dataset.making;
  trouble.hidden = true;
  try {
    const request = { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } };
    const response = await fetch(form.action, request);
    const answer = await response.json();
    if (answer.address) return location.assign(new URL(answer.address, form.action).href);
    show(answer.error ?? form.dataset.problems, answer.problems);
  } catch {
    show(form.dataset.offline);
  }
  button.disabled = false;
  button.textContent = label;
});
if (form) form.querySelector("button.button").disabled = false; // sent without the above, it would show raw JSON

// --- what changes while one looks at it ---

const making = document.querySelector("#making");
async function watch() {
  try {
    const now = await (await fetch(making.dataset.from, { headers: { Accept: "application/json" } })).json();
    if (!now.running) return location.reload();
    making.querySelector("progress").value = now.made;
    making.querySelector(".text").textContent = now.text;
  } catch {
    // the server is away for a moment; the next look will tell
  }
  setTimeout(watch, 1000);
}
if (making) setTimeout(watch, 1000);

const live = document.querySelector("#live");
async function renew() {
  try {
    const response = await fetch(live.dataset.from);
    if (response.ok) {
      live.innerHTML = await response.text(); // written by the server, which escapes what people typed
      inLocalTime(live);
    }
  } catch {
    // as above; the time beneath says how old this is
  }
  setTimeout(renew, 5000);
}
if (live) setTimeout(renew, 5000);
