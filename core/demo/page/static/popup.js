// What opens beside a button: a list to choose from, a menu, a question.
import { h, newId } from "./dom.js";
import { withEmoji } from "./emoji.js";

/** Show `popup` beside `anchor` in the top layer, so that no scrolling box cuts it; return what closes it. */
function show(anchor, popup, closed) {
  popup.setAttribute("popover", "manual");
  anchor.after(popup);
  popup.showPopover();
  const box = anchor.getBoundingClientRect();
  const below = window.innerHeight - box.bottom;
  const height = Math.min(popup.offsetHeight, Math.max(below, box.top) - 12);
  popup.style.maxHeight = `${height}px`;
  popup.style.minWidth = `${Math.min(box.width, 520)}px`;
  popup.style.left = `${Math.max(8, Math.min(box.left, window.innerWidth - popup.offsetWidth - 8))}px`;
  popup.style.top = `${below >= height + 8 ? box.bottom + 4 : box.top - height - 4}px`;
  const outside = (event) => {
    if (!popup.contains(event.target) && !anchor.contains(event.target)) close();
  };
  const close = () => {
    document.removeEventListener("pointerdown", outside, true);
    popup.remove();
    closed();
  };
  document.addEventListener("pointerdown", outside, true);
  return close;
}

/** Return a button that opens a list. `chosen`: values; `known`: what they are called; `search`: asks for options. */
export function chooser({ words, label, groups = [], search, several, chosen, known, placeholder, changed, key, id }) {
  let close = null;
  const said = h("span", { class: "chosen" });
  const button = h("button", { type: "button", class: "chooser", id, "data-key": key, "aria-haspopup": "listbox",
    "aria-expanded": "false", onclick: () => (close ? close() : open()) }, said, h("span", { class: "arrow", "aria-hidden": "true" }, "▾"));
  const rename = () => {
    const names = chosen.map((value) => known.get(value) ?? value);
    said.replaceChildren(...withEmoji(names.join(", ") || placeholder));
    said.classList.toggle("placeholder", !names.length);
    button.setAttribute("aria-label", `${label ? `${label}: ` : ""}${names.join(", ") || placeholder}`);
  };
  const take = (value) => {
    chosen = several ? (chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value]) : [value];
    rename();
    if (!several) close?.();
    changed(several ? chosen : value);
  };
  function open() {
    const list = listing({ words, groups, search, several, known, take, has: (value) => chosen.includes(value), leave: () => close?.() });
    button.setAttribute("aria-expanded", "true");
    close = show(button, list.node, () => {
      close = null;
      button.setAttribute("aria-expanded", "false");
      button.focus();
    });
    list.focus();
  }
  rename();
  return button;
}

function listing({ words, groups, search, several, known, take, has, leave }) {
  const id = newId("list");
  let at = 0;
  let shown = [];
  let asked = 0;
  const list = h("ul", { role: "listbox", id, "aria-multiselectable": several ? "true" : null });
  const input = h("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": id, "aria-autocomplete": "list",
    "aria-label": words.search, placeholder: words.search, autocomplete: "off", oninput: () => fill(), onkeydown: keys });
  function keys(event) {
    if (event.key === "ArrowDown") mark(at + 1);
    else if (event.key === "ArrowUp") mark(at - 1);
    else if (event.key === "Enter" && shown[at]) choose(shown[at]);
    else if (event.key === "Escape" || event.key === "Tab") leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  function choose(option) {
    take(option.value);
    draw();
  }
  function mark(next) {
    at = Math.max(0, Math.min(shown.length - 1, next));
    list.querySelectorAll("[role=option]").forEach((one, number) => one.classList.toggle("active", number === at));
    const active = list.querySelectorAll("[role=option]")[at];
    input.setAttribute("aria-activedescendant", active?.id ?? "");
    active?.scrollIntoView({ block: "nearest" });
  }
  let parts = [];
  async function fill() {
    const typed = input.value.trim().toLowerCase();
    if (search) {
      const turn = ++asked;
      list.replaceChildren(h("li", { class: "note" }, words.loading));
      const found = await search(input.value);
      if (turn !== asked) return;
      parts = [{ options: found }];
    } else
      parts = groups
        .map((group) => ({ ...group, options: group.options.filter((one) => one.text.text.toLowerCase().includes(typed)) }))
        .filter((group) => group.options.length);
    shown = parts.flatMap((group) => group.options);
    shown.forEach((one) => known.set(one.value, one.text.text));
    at = Math.max(0, shown.findIndex((one) => has(one.value)));
    draw();
  }
  function draw() {
    list.replaceChildren(...(shown.length ? parts.flatMap(rows) : [h("li", { class: "note" }, words.nothing_found)]));
    mark(at);
  }
  const rows = (group) => [
    group.label ? h("li", { class: "note", role: "presentation" }, group.label.text) : "",
    ...group.options.map((one) =>
      h("li", { role: "option", id: newId("option"), "aria-selected": String(has(one.value)), onclick: () => choose(one) },
        h("span", { class: "tick", "aria-hidden": "true" }, has(one.value) ? "✓" : ""),
        h("span", {}, withEmoji(one.text.text), one.description ? h("small", {}, one.description.text) : "")),
    ),
  ];
  const node = h("div", { class: "popup" }, input, list);
  if (!search && groups.flatMap((group) => group.options).length < 8) input.classList.add("unseen");
  fill();
  return { node, focus: () => input.focus() };
}

/** Return a button that opens a menu of `items`: `{ text, run }`. */
export function menu({ label, shows, items, className, key }) {
  let close = null;
  const button = h("button", { type: "button", class: className, "data-key": key, "aria-label": label, title: label, "aria-haspopup": "menu",
    "aria-expanded": "false", onclick: () => (close ? close() : open()) }, shows);
  function open() {
    const entries = items().map((item) =>
      h("button", { type: "button", role: "menuitem", tabindex: "-1", onclick: () => { close(); item.run(); } }, withEmoji(item.text),
        item.description ? h("small", {}, item.description) : ""));
    const popup = h("div", { class: "popup menu", role: "menu", "aria-label": label, onkeydown: (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) entries[(entries.indexOf(document.activeElement) + step + entries.length) % entries.length].focus();
      else if (event.key === "Escape" || event.key === "Tab") close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    } }, entries);
    button.setAttribute("aria-expanded", "true");
    close = show(button, popup, () => {
      close = null;
      button.setAttribute("aria-expanded", "false");
      button.focus();
    });
    entries[0]?.focus();
  }
  return button;
}

/** Ask what a confirmation object asks; return whether to go on. */
export function ask(question) {
  return new Promise((resolve) => {
    const title = newId("ask");
    const end = (answer) => () => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    const yes = h("button", { type: "button", class: question.style === "danger" ? "danger" : "primary", onclick: end(true) }, question.confirm.text);
    const no = h("button", { type: "button", onclick: end(false) }, question.deny.text);
    const dialog = h("dialog", { class: "ask", "aria-labelledby": title, role: "alertdialog", oncancel: (event) => { event.preventDefault(); end(false)(); } },
      h("h2", { id: title }, withEmoji(question.title.text)), h("p", {}, withEmoji(question.text.text)), h("footer", {}, no, yes));
    document.body.append(dialog);
    dialog.showModal();
    no.focus();
  });
}
