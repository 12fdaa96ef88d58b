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
const signIn = (form) => {
  const code = location.hash.slice(1);
  if (!code) return;
  history.replaceState(null, "", location.pathname);
  form.elements.code.value = code;
  form.requestSubmit();
};

const REFRESH_MS = 30000;

const refresh = async () => {
  const parts = [...document.querySelectorAll("[data-refresh]")];
  if (!parts.length || document.hidden || parts.some((one) => one.contains(document.activeElement))) return;
  let text;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) return;
    text = await answer.text();
  } catch {
    return; // the engine is away for a moment: what is shown stays
  }
  const fresh = [...new DOMParser().parseFromString(text, "text/html").querySelectorAll("[data-refresh]")];
  if (fresh.length !== parts.length) return location.reload();
  parts.forEach((one, at) => {
    times(fresh[at]);
    if (one.innerHTML !== fresh[at].innerHTML) one.replaceChildren(...fresh[at].childNodes);
  });
};

times(document);
const form = document.getElementById("link");
if (form) signIn(form);
for (const one of document.querySelectorAll(".choose select")) one.addEventListener("change", () => one.form.requestSubmit());
setInterval(refresh, REFRESH_MS);
