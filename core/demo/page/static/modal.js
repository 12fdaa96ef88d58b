// The modal that somebody has before them: the topmost of a stack of views.
import { h, newId } from "./dom.js";
import { blocks } from "./blocks.js";
import { begun } from "./elements.js";
import { withEmoji } from "./emoji.js";

/** Return what shows a stack of views; call it with each new one. */
export function modals(ui) {
  const title = newId("modal");
  const dialog = h("dialog", { class: "modal", "aria-labelledby": title, oncancel: (event) => { event.preventDefault(); close(false); } });
  document.body.append(dialog);
  let top = null;
  let drawn = "";
  let errors = {};
  let trouble = "";
  let sending = false;
  const typed = new Map();

  const values = () => typed.get(top.id) ?? {};
  const close = (everything) => ui.act("close", { view: top.id, everything });
  const keep = (el, block, given) => typed.set(top.id, { ...values(), [block.block_id]: { kind: el.type, action: el.action_id, given } });
  /** What the server does not know yet. */
  const filled = () => {
    const inputs = new Set(top.blocks.filter((one) => one.type === "input" && !one.element.type.includes("external")).map((one) => one.block_id));
    return Object.fromEntries(Object.entries(values()).filter(([id]) => inputs.has(id)).map(([id, one]) => [id, one.given]));
  };

  const env = () => {
    const where = { type: "modal", id: top.id };
    const named = (el, block) => ({ where, action_id: el.action_id, block_id: block.block_id, values: filled() });
    return {
      ui, errors,
      start: (el, block) => {
        const held = begun(el, top.state.values[block.block_id]?.[el.action_id]);
        const mine = block.type === "input" ? values()[block.block_id] : null;
        return mine?.kind === el.type && mine.action === el.action_id ? { ...held, given: mine.given } : held;
      },
      typed: (el, block, given) => block.type === "input" && keep(el, block, given),
      search: async (el, text) => (await ui.act("suggest", { where, action_id: el.action_id, text })).options ?? [],
      pressed: (el, block, confirm) => ui.act("press", { ...named(el, block), confirm }),
      changed: async (el, block, given) => {
        if (block.type === "input") keep(el, block, given);
        if (block.type === "input" && !block.dispatch_action && !el.type.includes("external")) return;
        const confirm = el.confirm ? await ui.ask(el.confirm) : null;
        if (confirm !== false) await ui.act("select", { ...named(el, block), given, confirm });
      },
    };
  };

  async function submit(event) {
    event.preventDefault();
    const sent = top;
    errors = {};
    trouble = "";
    sending = true;
    draw();
    const answer = await ui.act("submit", { view: sent.id, values: filled() }, { quiet: true });
    sending = false;
    if (top !== sent && top?.id !== sent.id) return;
    errors = answer.errors ?? {};
    trouble = answer.failed ?? "";
    if (top) draw();
    dialog.querySelector(".inside > .error")?.scrollIntoView();
    dialog.querySelector(".error")?.closest(".block")?.querySelector("input, textarea, button")?.focus();
  }

  function draw() {
    const held = dialog.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const scrolled = dialog.querySelector(".inside")?.scrollTop ?? 0;
    const stacked = top.previous_view_id && ui.seen.modals.length > 1;
    const submitting = top.submit ? h("button", { type: "submit", class: "primary", "aria-busy": sending || null, disabled: sending, "data-key": "submit" }, withEmoji(top.submit.text)) : "";
    dialog.replaceChildren(h("form", { novalidate: true, onsubmit: submit },
      h("header", {},
        stacked ? h("button", { type: "button", class: "quiet", "aria-label": ui.words.back, title: ui.words.back, onclick: () => close(false) }, "‹") : "",
        h("h2", { id: title }, withEmoji(top.title.text)),
        h("button", { type: "button", class: "quiet", "aria-label": ui.words.close, title: ui.words.close, "data-key": "cross", onclick: () => close(true) }, "×")),
      h("div", { class: "inside" }, trouble ? h("p", { class: "error", role: "alert" }, trouble) : "", blocks(top.blocks, env())),
      h("footer", {}, h("button", { type: "button", "data-key": "close", onclick: () => close(false) }, top.close?.text ?? ui.words.cancel), submitting)));
    dialog.querySelector(".inside").scrollTop = scrolled;
    return held;
  }

  function focus(held) {
    const first = ".inside [autofocus], .inside input, .inside textarea, .inside button";
    (held && dialog.querySelector(`[data-key="${CSS.escape(held)}"]`) || dialog.querySelector(first) || dialog.querySelector("[data-key=submit], [data-key=close]"))?.focus();
  }

  return (stack) => {
    const next = stack.at(-1) ?? null;
    if (!next) {
      if (dialog.open) dialog.close();
      top = null;
      drawn = "";
      typed.clear();
      return;
    }
    const signature = `${next.id} ${next.hash} ${stack.length}`;
    const another = top?.id !== next.id;
    top = next;
    if (signature === drawn) return;
    drawn = signature;
    errors = {};
    trouble = "";
    if (another) sending = false;
    const held = draw();
    if (!dialog.open) dialog.showModal();
    focus(another ? null : held);
  };
}
