// Nodes, made one by one: whatever is text goes in as text, so nothing that somebody wrote can be markup.

/** Return an element. `props`: attributes, `on…` listeners, `class`; children: nodes, strings, lists, nothing. */
export function h(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name === "className" ? "class" : name, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((one) => one !== undefined && one !== null && one !== false));
  return made;
}

/** Fill a container anew, only if what it shows is different; the focus stays where it was (`data-key`). */
export function redraw(container, shows, build) {
  const signature = JSON.stringify(shows);
  if (container.signature === signature) return false;
  container.signature = signature;
  const held = container.contains(document.activeElement) ? document.activeElement.closest("[data-key]") : null;
  container.replaceChildren(...[build()].flat(Infinity).filter(Boolean));
  if (held) container.querySelector(`[data-key="${CSS.escape(held.dataset.key)}"]`)?.focus();
  return true;
}

let ids = 0;
/** Return an id that nothing else on the page has. */
export const newId = (kind) => `${kind}-${++ids}`;

/** Return the address if a link may lead there. */
export function safe(url) {
  return /^(https?:|mailto:)/i.test(url) ? url : null;
}

/** Return a link that opens beside the page; the label alone where it may lead nowhere. */
export function link(url, ...label) {
  const address = safe(url);
  if (!address) return h("span", {}, ...label);
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, ...label);
}
