// The short names that the app uses, and the commonest others.
import { h } from "./dom.js";

export const EMOJI = {
  alarm_clock: "⏰", arrow_right: "➡️", arrows_counterclockwise: "🔄", ballot_box_with_check: "☑️", bar_chart: "📊",
  bell: "🔔", black_circle: "⚫", boom: "💥", bug: "🐛", bulb: "💡", calendar: "📆", chart_with_upwards_trend: "📈",
  construction: "🚧", double_vertical_bar: "⏸️", exclamation: "❗", eyes: "👀", fast_forward: "⏩", fire: "🔥",
  crystal_ball: "🔮", gear: "⚙️", grey_question: "❔", heavy_check_mark: "✔️", heavy_multiplication_x: "✖️", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", information_source: "ℹ️", key: "🔑", large_blue_circle: "🔵", large_green_circle: "🟢",
  large_orange_circle: "🟠", large_yellow_circle: "🟡", link: "🔗", lock: "🔒", mag: "🔍", megaphone: "📣", memo: "📝",
  moneybag: "💰", mute: "🔇", no_bell: "🔕", no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑",
  arrow_forward: "▶️", black_square_for_stop: "⏹️", large_purple_circle: "🟣", large_brown_circle: "🟤", clipboard: "📋",
  inbox_tray: "📥", outbox_tray: "📤", scroll: "📜", hammer_and_wrench: "🛠️", shield: "🛡️", email: "📧", money_with_wings: "💸",
  ok: "🆗", package: "📦", pause_button: "⏸️",
  pencil2: "✏️", question: "❓", raised_hands: "🙌", recycle: "♻️", red_circle: "🔴", repeat: "🔁", robot_face: "🤖",
  rocket: "🚀", rotating_light: "🚨", satellite_antenna: "📡", sleeping: "😴", smile: "😄", snooze: "💤",
  speech_balloon: "💬", stopwatch: "⏱️", tada: "🎉", thinking_face: "🤔", thumbsup: "👍", "+1": "👍", "-1": "👎",
  twisted_rightwards_arrows: "🔀", warning: "⚠️", wastebasket: "🗑️", wave: "👋", white_check_mark: "✅",
  white_circle: "⚪", wrench: "🔧", x: "❌", zap: "⚡", zzz: "💤",
};

/** Return an emoji by its short name; nothing where it is not known. */
export function emoji(name) {
  const found = EMOJI[name];
  return found ? h("span", { role: "img", "aria-label": name.replaceAll("_", " "), class: "emoji" }, found) : null;
}

/** Return plain text with its emoji. */
export function withEmoji(text) {
  return text.split(/(:[a-z0-9_+-]+:)/).map((part) => (part.length > 2 && part.startsWith(":") && emoji(part.slice(1, -1))) || part);
}
