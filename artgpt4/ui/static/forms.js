// Forms that are sent once however often their button is tapped, and buttons that copy a text.
"use strict";

for (const form of document.querySelectorAll("form.once"))
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
// A page that comes back from the browser's memory can be sent again.
addEventListener("pageshow", () => document.querySelectorAll("form.once").forEach((form) => delete form.dataset.sent));

// Nothing is to be copied before the page's other script has written whole addresses.
addEventListener("DOMContentLoaded", () => document.querySelectorAll("button.copy").forEach((button) => (button.disabled = false)));

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    button.textContent = button.dataset.done;
  } catch {
    // No clipboard without https: mark the text, so that one key press copies it.
    getSelection().selectAllChildren(source);
    source.select?.();
  }
});
