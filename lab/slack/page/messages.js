// A message with its thread, and the lines for what was refused.

import { attachment, blocks } from "./blocks.js";
import { clock, element } from "./dom.js";
import { emoji } from "./emoji.js";
import { mrkdwn, plain } from "./mrkdwn.js";

const HUES = [256, 200, 158, 24, 330, 220, 96, 8];

// `replies` are shown below their parent; `origin` is the parent of a reply shown in the channel too.
export function message(given, { names, replies = [], origin = null, isBroadcast = false }) {
  const body = element("div", { class: "body" });
  if (isBroadcast) {
    const excerpt = origin ? summary(origin) : "a message that is gone";
    body.append(element("div", { class: "origin" }, `replied to a thread: ${excerpt}`));
  }
  body.append(...content(given, names));
  if (replies.length) body.append(thread(replies, names));
  const main = element("div", {}, signature(given), body);
  return element("article", { class: "message" }, avatar(given), main);
}

function content(given, names) {
  const parts = [];
  if (given.blocks.length) parts.push(...blocks(given.blocks, names));
  else if (given.text) parts.push(element("div", { class: "text" }, mrkdwn(given.text, { names })));
  parts.push(...given.attachments.map((each) => attachment(each, names)));
  return parts;
}

function signature(given) {
  return element(
    "div",
    { class: "signature" },
    element("b", {}, given.author),
    given.is_app ? element("span", { class: "app" }, "APP") : null,
    element("time", {}, clock(Number(given.ts))),
    given.edited ? element("span", { class: "edited" }, "(edited)") : null,
  );
}

function avatar(given) {
  const icon = emoji(given.icon_emoji.replaceAll(":", ""));
  const hasIcon = !icon.startsWith(":");
  const box = element("div", { class: "avatar", "aria-hidden": "true" }, hasIcon ? icon : initial(given.author));
  const sum = [...given.author].reduce((total, letter) => total + letter.codePointAt(0), 0);
  box.style.backgroundColor = hasIcon ? "#efecf5" : `hsl(${HUES[sum % HUES.length]} 55% 52%)`;
  return box;
}

function initial(name) {
  return [...name.trim()][0]?.toUpperCase() ?? "?";
}

function thread(replies, names) {
  const count = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
  return element(
    "div",
    { class: "thread" },
    element("div", { class: "count" }, count),
    ...replies.map((reply) => message(reply, { names })),
  );
}

function summary(given) {
  const header = given.blocks.find((block) => block.text?.text)?.text.text;
  const line = plain(header ?? given.text ?? "").split("\n")[0];
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

// Several refusals of one kind in a row are one line with a count.
export function refusal(given, count, channelName) {
  const isWaiting = given.error === "ratelimited";
  const target = channelName ?? given.asked ?? "";
  const times = count > 1 ? ` ×${count}` : "";
  const wait = isWaiting && given.retry_after_seconds ? `, retry after ${given.retry_after_seconds} s` : "";
  return element(
    "div",
    { class: isWaiting ? "refusal waiting" : "refusal", role: "status" },
    element("b", {}, isWaiting ? "Rate limited" : "Refused"),
    element("span", { class: "what" }, `${given.method} to ${target || "no channel"}: `, element("code", {}, given.error), wait, times),
    element("time", {}, clock(given.at)),
  );
}
