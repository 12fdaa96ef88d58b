// Block Kit's blocks (https://docs.slack.dev/reference/block-kit/blocks).
import { h, newId } from "./dom.js";
import { element, image } from "./elements.js";
import { withEmoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";
import { markdown, richText } from "./richtext.js";

/** Return a text object's nodes. */
export const text = (one, names) => (one.type === "mrkdwn" ? mrkdwn(one.text, names) : withEmoji(one.text).flatMap(lineBreaks));
const lineBreaks = (part) => (typeof part === "string" ? part.split("\n").flatMap((line, at) => (at ? [h("br"), line] : [line])) : [part]);

/** Return blocks as nodes; `env` is what their elements need (see elements.js), with `errors` by block id. */
export function blocks(list, env) {
  return list.map((block) => h("div", { class: `block ${block.type}`, "data-block": block.block_id }, (MAKERS[block.type] ?? unknown)(block, env)));
}

const unknown = (block, env) => h("em", { class: "note" }, env.ui.words.not_shown.replace("{kind}", block.type));

const MAKERS = {
  section: (block, env) => [
    h("div", { class: "words" },
      block.text ? h("div", {}, text(block.text, env.ui.names)) : "",
      block.fields ? h("div", { class: "fields" }, block.fields.map((one) => h("div", {}, text(one, env.ui.names)))) : ""),
    block.accessory ? h("div", { class: "accessory" }, element(block.accessory, block, env)) : "",
  ],
  header: (block, env) => h("h2", {}, text(block.text, env.ui.names)),
  divider: () => h("hr"),
  context: (block, env) => block.elements.map((one) => (one.type === "image" ? image(one, block, env) : h("span", {}, text(one, env.ui.names)))),
  actions: (block, env) => block.elements.map((one) => element(one, block, env)),
  image: (block, env) => h("figure", {}, block.title ? h("figcaption", {}, withEmoji(block.title.text)) : "", image(block, block, env)),
  rich_text: (block, env) => richText(block.elements, env.ui.names),
  markdown: (block) => markdown(block.text),
  table: (block, env) => h("table", {}, h("tbody", {}, block.rows.map((row, at) => h("tr", {}, row.map((cell) =>
    h(at ? "td" : "th", {}, cell.type === "raw_text" ? cell.text : richText(cell.elements, env.ui.names))))))),
  alert: (block, env) => h("p", { role: "note", class: block.level }, text(block.text, env.ui.names)),
  input: field,
};

function field(block, env) {
  const id = newId("field");
  const described = newId("about");
  const { words, names } = env.ui;
  const error = env.errors?.[block.block_id];
  const ticks = /^(checkboxes|radio_buttons)$/.test(block.element.type);
  const label = [text(block.label, names), block.optional ? h("span", { class: "note" }, ` ${words.optional}`) : ""];
  return [
    ticks ? h("div", { class: "label" }, label) : h("label", { for: id, class: "label" }, label),
    element(block.element, block, { ...env, id, describedby: described, input: true }, block.label.text),
    h("div", { id: described }, block.hint ? h("p", { class: "note" }, text(block.hint, names)) : "", error ? h("p", { class: "error", role: "alert" }, error) : ""),
  ];
}
