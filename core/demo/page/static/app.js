// The page: who one is, where one is, and what is there.
import { h, redraw } from "./dom.js";
import { blocks } from "./blocks.js";
import { composer } from "./composer.js";
import { clock } from "./dates.js";
import { elsewhere, messages } from "./message.js";
import { modals } from "./modal.js";
import { ask } from "./popup.js";
import { NoKey, act, live, setting } from "./wire.js";

const APP = "app";
const page = document.getElementById("page");
const toast = h("div", { class: "toast", role: "status", "aria-live": "polite" });
document.body.append(toast);
let stop = () => {};

async function be(user) {
  const chosen = document.activeElement?.dataset.key === "who";
  stop();
  document.querySelectorAll("dialog").forEach((one) => one.remove());
  const ui = whole(await setting(user));
  document.documentElement.lang = clock.language = ui.setting.language;
  ui.draw();
  stop = live(ui.setting.me, (state) => ui.show(state), (gone) => ui.lost(gone));
  sessionStorage.setItem("as", ui.setting.me);
  if (chosen) page.querySelector("[data-key=who]").focus();
}

function whole(given) {
  const words = given.words;
  const read = new Map();
  const ui = {
    words, setting: given, ask, seen: { channels: [], direct: { id: "", messages: [] }, modals: [], home: null },
    people: given.people,
    names: Object.fromEntries([...given.people.map((one) => [one.id, one.name]), ...given.groups.map((one) => [one.id, `@${one.handle}`])]),
    at: sessionStorage.getItem("at") ?? "", tab: "home", thread: null,
    places: () => ui.seen.channels,
    author: (message) => given.people.find((one) => one.id === message.user) ?? { id: "hook", title: message.username ?? "Webhook", bot: true },
    async act(name, body, { quiet = false } = {}) {
      working(1);
      try {
        const answer = await act(name, { user: given.me, ...body });
        if (answer.failed && !quiet) say(words.failed.replace("{reason}", answer.failed));
        return answer;
      } catch (error) {
        const failed = error instanceof NoKey ? words.no_key : words.lost;
        if (!quiet) say(failed);
        return { failed };
      } finally {
        working(-1);
      }
    },
    openThread(ts) {
      ui.thread = ts;
      update();
      thread.querySelector("textarea")?.focus();
    },
    draw, lost,
    show(state) {
      ui.seen = state;
      state.channels.forEach((one) => (ui.names[one.id] = one.name));
      if (ui.at !== APP && !state.channels.some((one) => one.id === ui.at)) ui.at = state.channels[0]?.id ?? APP;
      update();
      showModals(state.modals);
    },
  };
  const showModals = modals(ui);
  const sidebar = h("div", { class: "sidebar" });
  const head = h("header", { class: "place" });
  const list = h("ol", { class: "messages", "aria-live": "polite", "aria-label": words.messages, tabindex: "0" });
  const hint = h("div", { class: "hint" });
  const home = h("section", { class: "home", "aria-label": words.home });
  const below = h("div", { class: "below" });
  const thread = h("aside", { class: "thread", hidden: true, "aria-label": words.thread });
  const answers = h("ol", { class: "messages", "aria-live": "polite", "aria-label": words.messages, tabindex: "0" });
  const banner = h("p", { class: "banner", role: "alert", hidden: true }, words.lost);
  const progress = h("div", { class: "progress", hidden: true, role: "status" }, h("span", { class: "unseen" }, words.working));
  let count = 0;
  let composing = null;

  function working(step) {
    count += step;
    progress.hidden = count === 0;
  }

  function lost(gone) {
    banner.hidden = !gone;
  }

  const who = h("select", { "data-key": "who", onchange: (event) => be(event.target.value) }, given.cast.map((one) =>
    h("option", { value: one.id, selected: one.id === given.me }, `${given.people.find((person) => person.id === one.id).title} · ${one.role}`)));
  const identity = h("label", { class: "who" }, h("span", {}, words.who), who);

  function draw() {
    page.replaceChildren(h("header", { class: "notice" }, words.notice), banner,
      h("div", { class: "frame" }, h("nav", { class: "side", "aria-label": words.channels }, identity, sidebar), h("main", {}, head, progress, home, list, hint, below), thread));
  }

  const isAnswer = (one) => one.thread_ts && one.thread_ts !== one.ts;
  const place = () => (ui.at === APP ? ui.seen.direct : ui.seen.channels.find((one) => one.id === ui.at) ?? { id: "", messages: [] });

  function go(at, tab = "home") {
    ui.at = at;
    ui.tab = tab;
    ui.thread = null;
    sessionStorage.setItem("at", at);
    update();
    if (at === APP && tab === "home") ui.act("home", {});
    else list.scrollTop = list.scrollHeight;
  }

  function unread(one) {
    const last = one.messages.at(-1)?.ts ?? "0";
    if (one.id === place().id || !read.has(one.id)) read.set(one.id, last);
    return one.messages.filter((message) => message.ts > read.get(one.id)).length;
  }

  function update() {
    const counts = ui.seen.channels.map((one) => [one.id, one.name, one.private, unread(one)]);
    const written = unread(ui.seen.direct);
    redraw(sidebar, [counts, written, ui.at], () => [
      h("h2", {}, words.channels),
      h("ul", {}, counts.map(([id, name, hidden, fresh]) => entry(id, `${hidden ? "🔒" : "#"} ${name}`, fresh))),
      h("h2", {}, words.apps),
      h("ul", {}, entry(APP, given.people.find((one) => one.bot).title, written)),
    ]);
    const { id, name, has_bot: inside } = place();
    redraw(head, [ui.at, ui.tab, name], heading);
    const atHome = ui.at === APP && ui.tab === "home";
    home.hidden = !atHome;
    list.hidden = hint.hidden = below.hidden = atHome;
    if (atHome) redraw(home, [ui.seen.home?.id, ui.seen.home?.hash], () => homeTab());
    const near = list.scrollHeight - list.scrollTop - list.clientHeight < 120;
    const said = place().messages.filter((one) => !isAnswer(one));
    messages(list, said, ui);
    if (near) list.scrollTop = list.scrollHeight;
    redraw(hint, [ui.at, said.length > 0, inside], () => hints(said.length > 0, inside));
    redraw(below, [ui.at, id], () => {
      composing = composer({ ui, withCommands: true, hint: words.message_to.replace("{place}", name ? `#${name}` : "ccb"),
        send: async (text) => !(await ui.act("type", { text, channel: id })).failed });
      return composing.node;
    });
    inThread(id);
  }

  const entry = (id, name, fresh) =>
    h("li", {}, h("button", { type: "button", "data-key": id, class: fresh ? "fresh" : null, "aria-current": id === ui.at ? "page" : null, onclick: () => go(id) },
      h("span", {}, name), fresh ? h("span", { class: "count" }, String(fresh), h("span", { class: "unseen" }, ` ${words.unread}`)) : ""));

  function heading() {
    if (ui.at !== APP) return h("h1", {}, `# ${place().name ?? ""}`);
    const tab = (name) => h("button", { type: "button", role: "tab", "data-key": name, "aria-selected": String(ui.tab === name), onclick: () => go(APP, name) }, words[name]);
    return [h("h1", {}, given.people.find((one) => one.bot).title), h("div", { role: "tablist" }, tab("home"), tab("messages"))];
  }

  function homeTab() {
    const view = ui.seen.home;
    if (!view) return h("p", { class: "note" }, words.empty_home);
    return blocks(view.blocks, elsewhere({ type: "home", id: view.id }, ui));
  }

  function hints(spoken, inside) {
    if (ui.at === APP) return spoken ? [] : h("p", { class: "note" }, words.empty_direct);
    const invite = inside ? [] : [h("p", { class: "note" }, words.not_in), h("button", { type: "button", onclick: () => ui.act("type", { text: "/invite @ccb", channel: ui.at }) }, words.invite)];
    const first = spoken ? [] : [h("p", { class: "note" }, words.empty_channel),
      h("p", { class: "chips" }, given.first.map((line) => h("button", { type: "button", onclick: () => ui.act("type", { text: line, channel: ui.at }) }, h("code", {}, line))))];
    return [...first, ...invite];
  }

  function inThread(channel) {
    const said = ui.thread ? place().messages.filter((one) => one.ts === ui.thread || one.thread_ts === ui.thread) : [];
    thread.hidden = !said.length;
    page.classList.toggle("with-thread", !thread.hidden);
    if (!said.length) return;
    redraw(thread, [ui.thread], () => {
      const leave = () => { ui.thread = null; update(); composing?.focus(); };
      thread.onkeydown = (event) => event.key === "Escape" && leave();
      answers.replaceChildren();
      const parent = ui.thread;
      const form = composer({ ui, hint: words.reply, send: async (text) => !(await ui.act("type", { text, channel, thread: parent })).failed });
      return [h("header", { class: "place" }, h("h2", {}, words.thread),
        h("button", { type: "button", class: "quiet", "aria-label": words.close, title: words.close, onclick: leave }, "×")), answers, form.node];
    });
    messages(answers, said, ui, { inThread: true });
    answers.scrollTop = answers.scrollHeight;
  }

  return ui;
}

let fading = 0;
function say(text) {
  toast.textContent = text;
  toast.classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => toast.classList.remove("shown"), 8000);
}

// Before it is known who reads: in both languages.
const KEY = { en: "Open the address that `ccb demo` printed: it has the key that lets you in.",
  ru: "Откройте адрес, который напечатала команда `ccb demo`: в нём ключ, который вас впустит." };
const GONE = { en: "The demonstration cannot be reached. Start it again with `ccb demo`.",
  ru: "Демонстрация недоступна. Запустите её снова: `ccb demo`." };
be(sessionStorage.getItem("as") ?? "").catch((error) => {
  const told = error instanceof NoKey ? KEY : GONE;
  page.replaceChildren(...Object.entries(told).map(([lang, text]) => h("p", { class: "alone", lang }, text)));
});
