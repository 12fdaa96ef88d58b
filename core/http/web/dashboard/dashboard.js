// Times in the reader's own zone, the sign-in by a link, and pages that refresh themselves. Without it all of it works.
"use strict";

const times = (root) => {
  const form = new Intl.DateTimeFormat(document.documentElement.lang, {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  for (const one of root.querySelectorAll("time[datetime]")) {
    const at = new Date(one.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    one.title = one.textContent;
    one.textContent = form.format(at);
  }
};

// What signs in stands behind `#`, which no server sees; it leaves the address, so that the history does not keep it.
// Where somebody is signed in already, they press the button themselves.
const signIn = (form) => {
  const code = location.hash.slice(1);
  if (!code) return;
  history.replaceState(null, "", location.pathname);
  form.elements.code.value = code;
  if ("atOnce" in form.dataset) form.requestSubmit();
};

const REFRESH_MS = 30000;
let typed = false;
document.addEventListener("input", () => { typed = true; });
// What somebody has typed outlasts any change of the page, and the end of the session.
const anew = () => { if (!typed) location.reload(); };

const refresh = async () => {
  const parts = [...document.querySelectorAll("[data-refresh]")];
  if (!parts.length || document.hidden || parts.some((one) => one.contains(document.activeElement))) return;
  let text;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.status === 401) return anew();
    if (!answer.ok) return;
    text = await answer.text();
  } catch {
    return; // the engine is away for a moment: what is shown stays
  }
  const fresh = [...new DOMParser().parseFromString(text, "text/html").querySelectorAll("[data-refresh]")];
  if (fresh.length !== parts.length) return anew();
  parts.forEach((one, at) => {
    times(fresh[at]);
    if (one.innerHTML !== fresh[at].innerHTML) one.replaceChildren(...fresh[at].childNodes);
  });
};

// A form's times are of the reader's own zone: those that came in UTC are turned, once, before anything is typed.
const zones = () => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return;
  for (const one of document.querySelectorAll("input[data-zone]")) {
    one.value = zone;
    for (const at of one.form.querySelectorAll("input[type=datetime-local]")) {
      const there = new Date(`${at.value}Z`);
      if (!at.value || Number.isNaN(there.valueOf())) continue;
      const two = (number) => String(number).padStart(2, "0");
      at.value = `${there.getFullYear()}-${two(there.getMonth() + 1)}-${two(there.getDate())}T${two(there.getHours())}:${two(there.getMinutes())}`;
    }
  }
};

times(document);
zones();
const form = document.getElementById("link");
if (form) signIn(form);
for (const one of document.querySelectorAll(".choose select")) one.addEventListener("change", () => one.form.requestSubmit());
setInterval(refresh, REFRESH_MS);
