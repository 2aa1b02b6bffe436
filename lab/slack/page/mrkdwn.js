// Slack's mrkdwn as a fragment of elements. What comes in is only ever put into text nodes.

import { element, link } from "./dom.js";
import { emoji } from "./emoji.js";

const INLINE = new RegExp(
  [
    "`(?<code>[^`\\n]+)`",
    "<(?<angle>[^<>\\n]+)>",
    "(?<![\\w*])\\*(?<bold>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\w*])",
    "(?<![\\w_])_(?<italic>[^\\s_](?:[^_\\n]*[^\\s_])?)_(?![\\w_])",
    "(?<![\\w~])~(?<strike>[^\\s~](?:[^~\\n]*[^\\s~])?)~(?![\\w~])",
    ":(?<emoji>[a-z0-9_+-]+):",
    "(?<bare>https?:\\/\\/[^\\s<>|`]+[^\\s<>|`.,;:!?)'\"*_~])",
  ].join("|"),
  "g",
);

// `names` turns user IDs into names; `verbatim` leaves bare addresses as they are.
export function mrkdwn(text, { names = {}, verbatim = false } = {}) {
  const fragment = document.createDocumentFragment();
  text.split(/```\n?([\s\S]*?)\n?```/).forEach((piece, number) => {
    if (number % 2) fragment.append(element("pre", {}, unescape(piece)));
    else if (piece) fragment.append(...quoted(piece, { names, verbatim }));
  });
  return fragment;
}

// Text as it is, but for emoji.
export function plain(text) {
  return unescape(text).replace(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name));
}

export function unescape(text) {
  return text.replace(/&(lt|gt|amp);/g, (_, name) => ({ lt: "<", gt: ">", amp: "&" })[name]);
}

function quoted(text, options) {
  const parts = [];
  let quote = [];
  let lines = [];
  const endLines = () => {
    if (lines.length) parts.push(element("span", {}, ...inline(lines.join("\n"), options)));
    lines = [];
  };
  const endQuote = () => {
    if (quote.length) parts.push(element("blockquote", {}, ...inline(quote.join("\n"), options)));
    quote = [];
  };
  for (const line of text.split("\n")) {
    const inside = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (inside) {
      endLines();
      quote.push(inside[1]);
    } else {
      endQuote();
      lines.push(line);
    }
  }
  endQuote();
  endLines();
  return parts;
}

function inline(text, options) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    parts.push(unescape(text.slice(end, match.index)));
    parts.push(styled(match, options));
    end = match.index + match[0].length;
  }
  parts.push(unescape(text.slice(end)));
  return parts;
}

function styled(match, options) {
  const found = match.groups;
  if (found.code) return element("code", {}, unescape(found.code));
  if (found.angle) return angle(found.angle, options);
  if (found.bold) return element("b", {}, ...inline(found.bold, options));
  if (found.italic) return element("i", {}, ...inline(found.italic, options));
  if (found.strike) return element("s", {}, ...inline(found.strike, options));
  if (found.emoji) return emoji(found.emoji);
  return options.verbatim ? found.bare : link(unescape(found.bare), unescape(found.bare));
}

// Links, mentions and dates: <address|label>, <@U1>, <#C1|name>, <!here>, <!date^…|fallback>.
function angle(inside, options) {
  const bar = inside.indexOf("|");
  const target = unescape(bar < 0 ? inside : inside.slice(0, bar));
  const label = bar < 0 ? "" : plain(inside.slice(bar + 1));
  if (target.startsWith("@")) {
    const name = options.names[target.slice(1)] ?? target.slice(1);
    return element("span", { class: "mention" }, `@${label || name}`);
  }
  if (target.startsWith("#")) return element("span", { class: "mention" }, `#${label || target.slice(1)}`);
  if (target.startsWith("!date^")) return label || target;
  if (target.startsWith("!")) {
    return element("span", { class: "mention loud" }, label || `@${target.slice(1)}`);
  }
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return link(target, label || target);
  return `<${unescape(inside)}>`;
}
