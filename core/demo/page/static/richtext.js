// rich_text and markdown blocks: what of them an app's messages need.
import { h, link } from "./dom.js";
import { emoji } from "./emoji.js";

const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code" };

/** Return a rich_text block's parts. */
export function richText(elements, names) {
  return elements.map((one) => {
    const inner = (one.elements ?? []).map((part) => (part.type === "rich_text_section" ? h("li", {}, spans(part, names)) : span(part, names)));
    if (one.type === "rich_text_list") return h(one.style === "ordered" ? "ol" : "ul", {}, inner);
    if (one.type === "rich_text_preformatted") return h("pre", {}, inner);
    if (one.type === "rich_text_quote") return h("blockquote", {}, inner);
    return h("p", {}, inner);
  });
}

const spans = (part, names) => (part.elements ?? []).map((one) => span(one, names));

function span(part, names) {
  const text = {
    text: () => part.text,
    link: () => link(part.url, part.text ?? part.url),
    emoji: () => emoji(part.name) ?? `:${part.name}:`,
    user: () => `@${names[part.user_id] ?? part.user_id}`,
    channel: () => `#${names[part.channel_id] ?? part.channel_id}`,
    usergroup: () => names[part.usergroup_id] ?? part.usergroup_id,
    broadcast: () => `@${part.range}`,
  }[part.type]?.();
  if (text === undefined) return "";
  return Object.entries(STYLES).reduce((inner, [style, tag]) => (part.style?.[style] ? h(tag, {}, inner) : inner), text);
}

/** Return a markdown block: headings, lists, code, emphasis, links. */
export function markdown(text) {
  return text.split(/(```[\s\S]*?```)/).flatMap((part) => {
    if (part.startsWith("```")) return [h("pre", {}, part.slice(3, -3).replace(/^\w*\n/, ""))];
    return part.split(/\n{2,}/).filter((one) => one.trim()).map(paragraph);
  });
}

function paragraph(text) {
  const heading = /^(#{1,6}) +(.*)$/.exec(text.trim());
  if (heading) return h(`h${Math.min(6, heading[1].length + 1)}`, {}, marks(heading[2]));
  const rows = text.trim().split("\n");
  const bullet = /^\s*(?:[-*+]|(\d+)[.)]) +/;
  if (rows.every((row) => bullet.test(row)))
    return h(bullet.exec(rows[0])[1] ? "ol" : "ul", {}, rows.map((row) => h("li", {}, marks(row.replace(bullet, "")))));
  return h("p", {}, rows.flatMap((row, at) => (at ? [h("br"), ...marks(row)] : marks(row))));
}

function marks(text) {
  const found = /`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)|\*\*(.+?)\*\*|~~(.+?)~~|(?<!\w)[*_](\S.*?)[*_](?!\w)/.exec(text);
  if (!found) return text ? [text] : [];
  const [whole, code, label, url, bold, struck, slanted] = found;
  const node = code ? h("code", {}, code) : label ? link(url, marks(label)) : bold ? h("strong", {}, marks(bold))
    : struck ? h("s", {}, marks(struck)) : h("em", {}, marks(slanted));
  const before = text.slice(0, found.index);
  return [...(before ? [before] : []), node, ...marks(text.slice(found.index + whole.length))];
}
