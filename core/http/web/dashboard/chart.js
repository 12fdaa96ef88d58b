// The chart that can be pointed at and zoomed. Where it cannot be drawn, the picture stands in.
"use strict";

const place = document.getElementById("drawn");
const library = document.currentScript.dataset.library;

const picture = () => {
  const image = new Image();
  image.src = place.dataset.picture;
  image.alt = place.dataset.alt;
  place.replaceChildren(image);
};

const loaded = () =>
  new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.type = "module";
    script.src = library;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });

const draw = async () => {
  const address = new URL(place.dataset.spec, location.href);
  address.searchParams.set("tz", Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");
  address.searchParams.set("width", String(Math.max(240, Math.min(1600, place.clientWidth - 90))));
  const [answer] = await Promise.all([fetch(address), loaded()]);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  // `ast`: expressions are interpreted, not compiled, so the page needs no permission to make code of text.
  const drawn = await window.vegaEmbed(place, await answer.json(), {
    ast: true, actions: false, defaultStyle: false, renderer: "svg", tooltip: { disableDefaultStyle: true },
  });
  place.setAttribute("aria-hidden", "true"); // its words stand below it, and its values in the table
  place.dataset.drawn = "yes";
  for (const hint of document.querySelectorAll(".zoom")) hint.hidden = false;
  return drawn;
};

if (place) draw().catch(picture);
