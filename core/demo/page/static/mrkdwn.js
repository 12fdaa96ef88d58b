// Slack's mrkdwn as nodes (https://docs.slack.dev/messaging/formatting-message-text).
import { h, link } from "./dom.js";
import { emoji } from "./emoji.js";
import { slackDate } from "./dates.js";

const MARKS = { "*": "strong", _: "em", "~": "s" };
const SEPARATOR = /[\s\p{P}\p{S}]/u;
const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** Return the nodes of a text. `names`: what `U…`, `C…` and `S…` are called. */
export function mrkdwn(text, names) {
  return text.split(/(```[\s\S]+?```)/).flatMap((part) =>
    part.length > 6 && part.startsWith("```") ? [h("pre", {}, pre(part.slice(3, -3)))] : lines(part, names),
  );
}

const pre = (text) => plain(text.replace(/<([^<>|]+)(?:\|([^<>]*))?>/g, (_, url, label) => label || url)).replace(/^\n/, "");

function lines(text, names) {
  const out = [];
  let quoted = [];
  const unquote = () => {
    if (quoted.length) out.push(h("blockquote", {}, broken(quoted, names)));
    quoted = [];
  };
  let open = [];
  const close = () => {
    if (open.length) out.push(...broken(open, names));
    open = [];
  };
  for (const line of text.replace(/^\n|\n$/g, "").split("\n")) {
    const quote = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quote) {
      close();
      quoted.push(quote[1]);
    } else {
      unquote();
      open.push(line);
    }
  }
  close();
  unquote();
  return out;
}

const broken = (all, names) => all.flatMap((line, at) => (at ? [h("br"), ...inline(line, names)] : inline(line, names)));

/** Return the nodes of one line. */
export function inline(text, names) {
  const out = [];
  let words = "";
  const flush = () => {
    if (words) out.push(plain(words));
    words = "";
  };
  for (let at = 0; at < text.length; ) {
    const taken = code(text, at) ?? angle(text, at, names) ?? short(text, at) ?? marked(text, at, names);
    if (taken) {
      flush();
      out.push(taken.node);
      at += taken.length;
    } else words += text[at++];
  }
  flush();
  return out;
}

function match(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function code(text, at) {
  const found = match(/`([^`]+)`/y, text, at);
  return found && { node: h("code", {}, plain(found[1])), length: found[0].length };
}

function short(text, at) {
  const found = match(/:([a-z0-9_+-]+):/y, text, at);
  const node = found && emoji(found[1]);
  return node && { node, length: found[0].length };
}

function marked(text, at, names) {
  const mark = text[at];
  if (!MARKS[mark] || (at && !SEPARATOR.test(text[at - 1])) || /\s/.test(text[at + 1] ?? " ")) return null;
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === "`") end = Math.max(end, text.indexOf("`", end + 1));
    else if (text[end] === "<") end = Math.max(end, text.indexOf(">", end + 1));
    else if (text[end] === mark && end > at + 1 && !/\s/.test(text[end - 1]) && SEPARATOR.test(text[end + 1] ?? " "))
      return { node: h(MARKS[mark], {}, inline(text.slice(at + 1, end), names)), length: end + 1 - at };
  }
  return null;
}

function angle(text, at, names) {
  const found = match(/<([^<>]+)>/y, text, at);
  return found && { node: meant(found[1], names), length: found[0].length };
}

function meant(inside, names) {
  const [target, ...rest] = inside.split("|");
  const label = rest.join("|");
  if (target.startsWith("@")) return h("span", { class: "mention" }, `@${names[target.slice(1)] ?? (label || target.slice(1))}`);
  if (target.startsWith("#")) return h("span", { class: "mention" }, `#${names[target.slice(1)] ?? (label || target.slice(1))}`);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!subteam^")) return h("span", { class: "mention" }, names[target.slice(9)] ?? label);
  if (target.startsWith("!")) return h("span", { class: "mention" }, `@${label || target.slice(1)}`);
  return link(plain(target), plain(label || target.replace(/^mailto:/, "")));
}

function date(target, fallback) {
  const [, seconds, template, url] = target.split("^");
  const when = Number(seconds);
  if (!Number.isFinite(when) || !template) return fallback;
  const shown = h("time", { datetime: new Date(when * 1000).toISOString(), title: fallback }, slackDate(when, template));
  return url ? link(url, shown) : shown;
}
