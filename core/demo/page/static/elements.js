// Block Kit's elements: buttons, menus, fields (https://docs.slack.dev/reference/block-kit/block-elements).
import { h, newId, safe } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";
import { ask, chooser, menu } from "./popup.js";

/** Return an element. `env`: `ui`, `start` (what stands in it), `changed` and `pressed` (what a person does). */
export function element(el, block, env, label = "") {
  const make = { button, overflow, image, checkboxes: ticks, radio_buttons: ticks, datepicker: dated, timepicker: dated,
    datetimepicker: moment, plain_text_input: typed, email_text_input: typed, url_text_input: typed, number_input: typed }[el.type];
  if (make) return make(el, block, env, label);
  if (el.type.endsWith("select")) return select(el, block, env, label);
  return h("em", { class: "note" }, env.ui.words.not_shown.replace("{kind}", el.type));
}

/** Return an image by its address or file; what lies outside is told by its alt text. */
export function image(el, block, env) {
  const url = el.slack_file?.id ?? /\/(F\w+)\//.exec(el.slack_file?.url ?? el.image_url ?? "")?.[1];
  if (url) return h("img", { src: `/files/${url}`, alt: el.alt_text, loading: "lazy" });
  return h("em", { class: "note" }, env.ui.words.image_outside.replace("{alt}", el.alt_text ?? ""));
}

function button(el, block, env) {
  return h("button", { type: "button", class: el.style, "aria-label": el.accessibility_label, "data-key": `${block.block_id}/${el.action_id}`,
    onclick: async (event) => {
      const pressed = event.currentTarget;
      if (el.confirm && !(await ask(el.confirm))) return;
      if (el.url && safe(el.url)) window.open(el.url, "_blank", "noopener,noreferrer");
      busy(pressed, env.pressed(el, block, el.confirm ? true : null));
    } }, withEmoji(el.text.text), el.url ? h("span", { "aria-hidden": "true" }, " ↗") : "");
}

async function busy(pressed, work) {
  pressed.setAttribute("aria-busy", "true");
  await work;
  pressed.removeAttribute("aria-busy");
}

function overflow(el, block, env) {
  return menu({ label: env.ui.words.more, shows: "⋯", className: "chooser", key: `${block.block_id}/${el.action_id}`,
    items: () => el.options.map((one) => ({ text: one.text.text, description: one.description?.text, run: () => {
      if (one.url && safe(one.url)) window.open(one.url, "_blank", "noopener,noreferrer");
      env.changed(el, block, one.value);
    } })) });
}

function select(el, block, env, label) {
  const { ui } = env;
  const several = el.type.startsWith("multi_");
  const external = el.type.includes("external");
  const options = (list) => [{ options: list.map(([value, text]) => ({ value, text: { text } })) }];
  const groups = el.type.includes("users") ? options(ui.people.map((one) => [one.id, one.title]))
    : /channels|conversations/.test(el.type) ? options(ui.places().map((one) => [one.id, `#${one.name}`]))
    : el.option_groups ?? [{ options: el.options ?? [] }];
  const known = new Map(groups.flatMap((group) => group.options ?? []).map((one) => [one.value, one.text.text]));
  const start = env.start(el, block);
  for (const one of start.options ?? []) known.set(one.value, one.text.text);
  return chooser({ words: ui.words, label, groups, several, known, chosen: several ? start.given ?? [] : start.given ? [start.given] : [],
    placeholder: el.placeholder?.text ?? ui.words.choose, key: `${block.block_id}/${el.action_id}`, id: env.id,
    search: external ? (text) => env.search(el, text) : null, changed: (given) => env.changed(el, block, given) });
}

function ticks(el, block, env, label) {
  const several = el.type === "checkboxes";
  const name = newId("ticks");
  const { given } = env.start(el, block);
  const held = new Set(several ? given ?? [] : [given]);
  const said = (text) => (text.type === "mrkdwn" ? mrkdwn(text.text, env.ui.names) : withEmoji(text.text));
  const box = h("div", { class: "ticks", role: several ? "group" : "radiogroup", "aria-label": label || null }, el.options.map((one) =>
    h("label", {}, h("input", { type: several ? "checkbox" : "radio", name, value: one.value, checked: held.has(one.value), onchange: () => {
      const chosen = [...box.querySelectorAll("input:checked")].map((input) => input.value);
      env.changed(el, block, several ? chosen : chosen[0]);
    } }), h("span", {}, said(one.text), one.description ? h("small", {}, said(one.description)) : ""))));
  return box;
}

function dated(el, block, env, label) {
  return h("input", { type: el.type === "datepicker" ? "date" : "time", id: env.id, value: env.start(el, block).given, "data-key": `${block.block_id}/${el.action_id}`,
    "aria-label": label || el.placeholder?.text || el.action_id, onchange: (event) => env.changed(el, block, event.target.value || null) });
}

function moment(el, block, env, label) {
  const { given } = env.start(el, block);
  const local = given ? new Date(given * 1000 - new Date(given * 1000).getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : "";
  return h("input", { type: "datetime-local", id: env.id, value: local, "aria-label": label || el.action_id, "data-key": `${block.block_id}/${el.action_id}`,
    onchange: (event) => env.changed(el, block, event.target.value ? Math.round(new Date(event.target.value) / 1000) : null) });
}

function typed(el, block, env, label) {
  const kinds = { email_text_input: "email", url_text_input: "url", number_input: "text" };
  const props = { id: env.id, placeholder: el.placeholder?.text, maxlength: el.max_length, "aria-label": env.id ? null : label || el.placeholder?.text,
    "aria-describedby": env.describedby, "data-key": `${block.block_id}/${el.action_id}`, autocomplete: "off",
    inputmode: el.type === "number_input" ? "decimal" : null, autofocus: el.focus_on_load,
    oninput: (event) => env.typed(el, block, event.target.value || null), onchange: (event) => env.changed(el, block, event.target.value || null) };
  const made = el.multiline ? h("textarea", { ...props, rows: 4 }) : h("input", { ...props, type: kinds[el.type] ?? "text" });
  made.value = env.start(el, block).given ?? "";
  return made;
}

/** Return what stands in an element that Slack's state holds as `held`, or that begins as it says. */
export function begun(el, held = {}) {
  const one = held.selected_option ?? el.initial_option;
  const all = held.selected_options ?? el.initial_options;
  if (/^(multi_(static|external)_select|checkboxes)$/.test(el.type)) return { given: (all ?? []).map((o) => o.value), options: all ?? [] };
  if (/^(static_select|external_select|radio_buttons|overflow)$/.test(el.type)) return { given: one?.value ?? null, options: one ? [one] : [] };
  const keys = { users_select: "user", channels_select: "channel", conversations_select: "conversation", multi_users_select: "users",
    multi_channels_select: "channels", multi_conversations_select: "conversations", datepicker: "date", timepicker: "time", datetimepicker: "date_time" };
  const key = keys[el.type];
  return { given: key ? held[`selected_${key}`] ?? el[`initial_${key}`] ?? null : held.value ?? el.initial_value ?? null };
}
