// Shortcodes that alerts use. Others stay as they were written.

const EMOJI = {
  alarm_clock: "⏰", arrow_down: "⬇️", arrow_right: "➡️", arrow_up: "⬆️", arrows_counterclockwise: "🔄",
  ballot_box_with_check: "☑️", bangbang: "‼️", bar_chart: "📊", bell: "🔔", black_circle: "⚫", blue_circle: "🔵",
  book: "📖", books: "📚", boom: "💥", bug: "🐛", bulb: "💡", calendar: "📅", chart_with_downwards_trend: "📉",
  chart_with_upwards_trend: "📈", clock1: "🕐", cloud: "☁️", computer: "💻", construction: "🚧", cyclone: "🌀",
  exclamation: "❗", eyes: "👀", fire: "🔥", fire_extinguisher: "🧯", gear: "⚙️", globe_with_meridians: "🌐",
  green_circle: "🟢", grey_exclamation: "❕", hammer_and_wrench: "🛠️", heavy_check_mark: "✔️", heavy_minus_sign: "➖",
  heavy_multiplication_x: "✖️", hourglass: "⌛", hourglass_flowing_sand: "⏳", information_source: "ℹ️", key: "🔑",
  large_blue_circle: "🔵", large_blue_square: "🟦", large_green_circle: "🟢", large_green_square: "🟩",
  large_orange_circle: "🟠", large_orange_square: "🟧", large_purple_circle: "🟣", large_red_square: "🟥",
  large_yellow_circle: "🟡", large_yellow_square: "🟨", link: "🔗", lock: "🔒", loudspeaker: "📢", mag: "🔍", mega: "📣",
  memo: "📝", mute: "🔇", negative_squared_cross_mark: "❎", new: "🆕", no_bell: "🔕", no_entry: "⛔",
  no_entry_sign: "🚫", ok: "🆗", orange_circle: "🟠", package: "📦", page_facing_up: "📄", point_right: "👉",
  pushpin: "📌", question: "❓", recycle: "♻️", red_circle: "🔴", repeat: "🔁", robot_face: "🤖", rocket: "🚀",
  rotating_light: "🚨", scroll: "📜", shield: "🛡️", skull: "💀", snowflake: "❄️", sos: "🆘", sparkles: "✨",
  speech_balloon: "💬", stop_sign: "🛑", stopwatch: "⏱️", tada: "🎉", thread: "🧵", thumbsup: "👍", "+1": "👍",
  timer_clock: "⏲️", triangular_flag_on_post: "🚩", up: "🆙", warning: "⚠️", wave: "👋", white_check_mark: "✅",
  white_circle: "⚪", wrench: "🔧", x: "❌", yellow_circle: "🟡", zap: "⚡", zzz: "💤",
};

export function emoji(name) {
  return Object.hasOwn(EMOJI, name) ? EMOJI[name] : `:${name}:`;
}
