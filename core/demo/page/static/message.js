// One message: who, when, what, and what can be done with it.
import { h, redraw } from "./dom.js";
import { blocks } from "./blocks.js";
import { longTime, ofTs, shortTime } from "./dates.js";
import { begun } from "./elements.js";
import { mrkdwn } from "./mrkdwn.js";
import { menu } from "./popup.js";

/** Fill a list with messages; those that did not change stay as they are. */
export function messages(list, shown, ui, { inThread = false } = {}) {
  const there = new Map([...list.children].map((row) => [row.dataset.ts, row]));
  const rows = shown.map((one) => {
    const row = there.get(one.ts) ?? h("li", { "data-ts": one.ts, class: one.is_ephemeral ? "message ephemeral" : "message" });
    redraw(row, [one, ui.setting.me, inThread], () => message(one, ui, inThread));
    return row;
  });
  const same = rows.length === list.children.length && rows.every((row, at) => list.children[at] === row);
  if (!same) list.replaceChildren(...rows);
}

function message(one, ui, inThread) {
  const who = ui.author(one);
  const when = ofTs(one.ts);
  return [
    avatar(who),
    h("div", { class: "body" },
      one.is_ephemeral ? h("p", { class: "note only" }, h("span", { "aria-hidden": "true" }, "👁 "), ui.words.only_you) : "",
      h("p", { class: "head" }, h("strong", {}, who.title), who.bot ? h("span", { class: "badge" }, ui.words.bot) : "",
        h("time", { datetime: when.toISOString(), title: longTime(when) }, shortTime(when))),
      content(one, ui),
      one.edited ? h("span", { class: "note" }, ui.words.edited) : "",
      (one.files ?? []).map((file) => h("figure", {}, h("figcaption", {}, file.title), h("img", { src: `/files/${file.id}`, alt: file.alt_txt }))),
      one.answers && !inThread ? h("button", { type: "button", class: "answers", "data-key": "answers", onclick: () => ui.openThread(one.ts) }, one.answers) : ""),
    tools(one, ui, inThread),
  ];
}

/** Return a circle with somebody's initials. */
export function avatar(who) {
  const initials = who.title.split(/\s+/).slice(0, 2).map((word) => word[0]).join("").toUpperCase();
  const shade = [...who.id].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 6;
  return h("span", { class: `avatar shade-${who.bot ? "bot" : shade}`, "aria-hidden": "true" }, initials);
}

function content(one, ui) {
  const env = inMessage(one, ui);
  const parts = one.blocks?.length ? blocks(one.blocks, env) : one.text ? [h("div", { class: "block" }, mrkdwn(one.text, ui.names))] : [];
  const attached = (one.attachments ?? []).map((part) => {
    const bar = h("div", { class: "attachment" }, part.blocks ? blocks(part.blocks, env) : h("p", {}, mrkdwn(part.text ?? part.fallback ?? "", ui.names)));
    if (/^#?[0-9a-f]{6}$/i.test(part.color ?? "")) bar.style.borderLeftColor = `#${part.color.replace("#", "")}`;
    return bar;
  });
  return [...parts, ...attached];
}

function inMessage(one, ui) {
  const where = { type: "message", ts: one.ts };
  return elsewhere(where, ui);
}

/** Return what elements of a message or Home do: everything reaches the app at once. */
export function elsewhere(where, ui) {
  const named = (el, block) => ({ where, action_id: el.action_id, block_id: block.block_id });
  return {
    ui,
    start: (el) => begun(el),
    typed: () => {},
    search: async (el, text) => (await ui.act("suggest", { where, action_id: el.action_id, text })).options ?? [],
    pressed: (el, block, confirm) => ui.act("press", { ...named(el, block), confirm }),
    changed: async (el, block, given) => {
      const confirm = el.confirm ? await ui.ask(el.confirm) : null;
      if (confirm !== false) await ui.act("select", { ...named(el, block), given, confirm });
    },
  };
}

function tools(one, ui, inThread) {
  if (one.is_ephemeral) return "";
  const entries = () => [
    ...(inThread ? [] : [{ text: ui.words.reply_in_thread, run: () => ui.openThread(one.thread_ts ?? one.ts) }]),
    ...ui.setting.shortcuts.map((entry) => ({ text: entry.title, run: () => ui.act("use", { ts: one.ts, callback_id: entry.id }) })),
  ];
  return h("div", { class: "tools" },
    inThread ? "" : h("button", { type: "button", title: ui.words.reply_in_thread, "aria-label": ui.words.reply_in_thread, "data-key": "reply",
      onclick: () => ui.openThread(one.thread_ts ?? one.ts) }, "💬"),
    menu({ label: ui.words.more, shows: "⋮", items: entries, key: "menu" }));
}
