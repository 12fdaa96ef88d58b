// Times in the reader's own zone and language.

export const clock = { language: "en" };

const FORMS = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { year: "numeric", month: "long", day: "numeric", weekday: "long" },
  time: { hour: "numeric", minute: "2-digit" },
  time_secs: { hour: "numeric", minute: "2-digit", second: "2-digit" },
};

const form = (when, parts) => new Intl.DateTimeFormat(clock.language, parts).format(when);

function pretty(when, name) {
  const days = Math.round((new Date(when).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / 86_400_000);
  if (Math.abs(days) > 1) return form(when, FORMS[name]);
  const said = new Intl.RelativeTimeFormat(clock.language, { numeric: "auto" }).format(days, "day");
  return said;
}

function ago(when) {
  const seconds = (when - Date.now()) / 1000;
  const units = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
  const [unit, size] = units.find(([, one]) => Math.abs(seconds) >= one) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(clock.language, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

/** Return what `<!date^seconds^form|…>` shows. */
export function slackDate(seconds, template) {
  const when = new Date(seconds * 1000);
  return template.replace(/\{(\w+)\}/g, (whole, name) => {
    if (name === "ago") return ago(when);
    if (name.endsWith("_pretty")) return pretty(when, name.replace("_pretty", ""));
    return FORMS[name] ? form(when, FORMS[name]) : whole;
  });
}

export const ofTs = (ts) => new Date(Number(ts) * 1000);
export const shortTime = (when) => form(when, FORMS.time);
export const longTime = (when) => form(when, { ...FORMS.date_long, ...FORMS.time_secs });
