// What no server can do: the browser's language, names for what Gradio leaves unnamed, zoom, and the keyboard.
// NAMES is replaced by the page's words in each language.
() => {
  const names = NAMES;
  const page = (window.artgpt4 = { zoom: 1 });
  const find = (selector) => document.querySelector(selector);
  const set = (element, name, value) => {
    if (element && element.getAttribute(name) !== value) element.setAttribute(name, value);
  };
  let language = "en";

  page.language = () => {
    try {
      return localStorage.getItem("artgpt4-language") || navigator.language || "en";
    } catch {
      return navigator.language || "en"; // storage is closed to a page in a foreign frame
    }
  };

  page.speak = (chosen) => {
    language = chosen.toLowerCase().startsWith("zh") ? "zh" : "en";
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    try {
      localStorage.setItem("artgpt4-language", language);
    } catch {} // it is then asked for again
    label();
  };
  page.other = () => (language === "zh" ? "en" : "zh");

  function label() {
    const say = (text) => (language === "zh" && names[text]) || text;
    for (const item of document.querySelectorAll(".examples .thumbnail-item")) {
      set(item, "aria-label", say(item.querySelector(".caption-label")?.textContent.trim() || ""));
    }
    for (const button of document.querySelectorAll(".submit-button")) set(button, "aria-label", say("Send"));
    for (const button of document.querySelectorAll(".stop-button")) set(button, "aria-label", say("Stop"));
    for (const link of document.querySelectorAll(".nav-holder a")) {
      const english = (link.dataset.english ??= link.textContent.trim());
      if (link.textContent !== say(english)) link.textContent = say(english);
    }
    set(find("#question textarea"), "aria-label", say("Your question"));
    // Gradio refuses a file before it is sent, in English and in its own words.
    for (const toast of document.querySelectorAll(".toast-message-text")) {
      if (!/^File\(s\) exceed/.test(toast.textContent)) continue;
      toast.textContent = say("This file is larger than 20 MB. Save the picture smaller and try again.");
    }
    set(find("#language"), "lang", language === "zh" ? "en" : "zh-CN");
    set(find("#notice"), "role", "status");
    set(find("#notice"), "aria-live", "polite");
    set(find("#status"), "role", "status");
    const log = find("#chat [role=log]");
    set(log, "aria-label", say("Conversation"));
    set(log, "aria-busy", String(Boolean(find("#question .stop-button")))); // read out once, when it is whole
    set(log, "tabindex", "0"); // it scrolls, so the keyboard must reach it
    set(find("#frame"), "tabindex", "0");
    set(find("#frame"), "role", "group");
    set(find("#frame"), "aria-label", say("Picture"));
    for (const bar of document.querySelectorAll(".spans")) {
      const buttons = [...bar.querySelectorAll("button")];
      if (buttons.length && !buttons.some((button) => button.tabIndex === 0)) buttons[0].tabIndex = 0;
    }
  }
  // The veil lies exactly over the picture, however large it is drawn.
  function cover() {
    const [frame, veil, image] = ["#frame", "#veil", "#picture .image-frame img"].map(find);
    if (!veil || !image) return;
    const [outer, inner] = [frame.getBoundingClientRect(), image.getBoundingClientRect()];
    veil.style.left = `${inner.left - outer.left - frame.clientLeft + frame.scrollLeft}px`;
    veil.style.top = `${inner.top - outer.top - frame.clientTop + frame.scrollTop}px`;
    veil.style.width = `${inner.width}px`;
    veil.style.height = `${inner.height}px`;
  }
  const resized = new ResizeObserver(cover);

  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      label();
      const image = find("#picture .image-frame img");
      if (image) resized.observe(image);
      cover();
    });
  }).observe(document.body, { subtree: true, childList: true, characterData: true });

  // A chip fills the box; tapped again, it sends. On a touch screen the box takes no focus: no keyboard shall rise.
  page.tap = (question, instruction) => {
    const send = find("#question .submit-button");
    if (question === instruction && send) {
      send.click();
      return question;
    }
    if (matchMedia("(pointer: fine)").matches) find("#question textarea").focus();
    return instruction;
  };

  page.magnify = (factor) => {
    page.zoom = factor ? Math.min(6, Math.max(1, page.zoom * factor)) : 1;
    const frame = find("#frame");
    const middle = (frame.scrollLeft + frame.clientWidth / 2) / frame.scrollWidth;
    const centre = (frame.scrollTop + frame.clientHeight / 2) / frame.scrollHeight;
    frame.style.setProperty("--zoom", page.zoom);
    frame.scrollLeft = middle * frame.scrollWidth - frame.clientWidth / 2;
    frame.scrollTop = centre * frame.scrollHeight - frame.clientHeight / 2;
  };

  // Within the answer's words the arrow keys go, as in any toolbar.
  document.addEventListener("keydown", (event) => {
    const bar = event.target.closest?.(".spans");
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!bar || !step) return;
    event.preventDefault();
    const buttons = [...bar.querySelectorAll("button")];
    const next = buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length];
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".spans button");
    if (!button) return;
    for (const other of button.closest(".spans").querySelectorAll("button")) {
      other.setAttribute("aria-pressed", String(other === button));
      other.tabIndex = other === button ? 0 : -1;
    }
  });

  page.speak(page.language());
  return [page.language(), null];
}
