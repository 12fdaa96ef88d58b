// Where one types: Enter sends, and what the app knows is offered as one goes.
import { h, newId } from "./dom.js";

/** Return a form to type in. `hint` names it; `send(text)` returns whether it went. */
export function composer({ ui, hint, send, withCommands }) {
  const id = newId("offers");
  let offers = [];
  let at = 0;
  let moved = false;
  const list = h("ul", { role: "listbox", id, class: "offers", hidden: true, "aria-label": withCommands ? ui.words.commands : ui.words.people });
  const input = h("textarea", { rows: 1, "aria-label": hint, placeholder: hint, "aria-autocomplete": "list", "aria-controls": id,
    "aria-haspopup": "listbox", "data-key": "composer", oninput: look, onkeydown: keys, onblur: () => setTimeout(hide, 150) });
  const go = h("button", { type: "submit", class: "primary", "data-key": "send" }, ui.words.send);
  const form = h("form", { class: "composer", onsubmit: (event) => { event.preventDefault(); submit(); } }, list, input, go);

  async function submit() {
    const text = input.value;
    if (!text.trim()) return;
    hide();
    put("");
    form.setAttribute("aria-busy", "true");
    const went = await send(text);
    form.removeAttribute("aria-busy");
    if (!went && !input.value) put(text);
  }

  function put(text) {
    input.value = text;
    grow();
  }

  function grow() {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, 160)}px`;
  }

  function look() {
    grow();
    const before = input.value.slice(0, input.selectionStart);
    offers = before.startsWith("/") && withCommands ? commands(before) : people(before);
    at = 0;
    moved = false;
    draw();
  }

  const commands = (typed) =>
    ui.setting.commands
      .filter((one) => one.text.startsWith(typed.toLowerCase()) && one.text !== typed)
      .map((one) => ({ title: `${one.text} ${one.usage}`, about: one.summary, whole: `${one.text} ${one.text === "/invite" ? one.usage : ""}`, from: 0 }));

  function people(before) {
    const found = /(?:^|\s)@([\p{L}\w.-]*)$/u.exec(before);
    if (!found) return [];
    return ui.setting.people
      .filter((one) => one.name.startsWith(found[1].toLowerCase()))
      .map((one) => ({ title: `@${one.name}`, about: one.title, whole: `@${one.name} `, from: before.length - found[1].length - 1 }));
  }

  function draw() {
    list.hidden = !offers.length;
    list.replaceChildren(...offers.map((one, number) =>
      h("li", { role: "option", id: `${id}-${number}`, "aria-selected": String(number === at), class: number === at ? "active" : null,
        onpointerdown: (event) => { event.preventDefault(); take(one); } }, h("code", {}, one.title), h("small", {}, one.about))));
    input.setAttribute("aria-activedescendant", offers.length ? `${id}-${at}` : "");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function take(one) {
    const end = one.from ? input.value.slice(input.selectionStart) : "";
    put(input.value.slice(0, one.from) + one.whole + end);
    hide();
    input.focus();
  }

  function hide() {
    offers = [];
    draw();
  }

  function keys(event) {
    if (event.isComposing) return;
    const offered = offers.length;
    if (offered && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      at = (at + (event.key === "ArrowDown" ? 1 : -1) + offered) % offered;
      moved = true;
      draw();
    } else if (offered && event.key === "Escape") hide();
    else if (offered && event.key === "Tab" && !event.shiftKey) take(offers[at]);
    else if (event.key === "Enter" && !event.shiftKey) {
      // A half-typed command is completed; whoever typed a whole line means to send it.
      if (offered && (moved || !/\s/.test(input.value.trim()))) take(offers[at]);
      else submit();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  let width = 0;
  new ResizeObserver(() => {
    if (width !== input.clientWidth) grow(); // the hint may need more lines
    width = input.clientWidth;
  }).observe(input);
  return { node: form, put: (text) => { put(text); input.focus(); }, focus: () => input.focus() };
}
