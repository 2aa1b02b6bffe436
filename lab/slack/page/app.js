// The page: fetches a snapshot, listens for events, shows one channel at a time. `/#alerts` begins with a
// channel; `/?still#alerts` does not listen, so that a headless browser knows when the page is whole.

import { clock, day, element } from "./dom.js";
import { message, refusal } from "./messages.js";
import { Store } from "./store.js";

const ELSEWHERE = "";
const store = new Store();
const list = document.getElementById("messages");
let current = null;
let isDue = false;

async function load() {
  const response = await fetch("/_lab/snapshot");
  store.load(await response.json());
  if (current === null || !(store.channels.has(current) || current === ELSEWHERE)) current = firstChannel();
  render();
}

function firstChannel() {
  const asked = decodeURIComponent(location.hash.slice(1));
  const named = [...store.channels.values()].find((channel) => channel.id === asked || channel.name === asked);
  const newest = [...store.messages.entries()].map(([id, known]) => [id, [...known.keys()].at(-1) ?? ""]);
  newest.sort((one, other) => (one[1] < other[1] ? 1 : -1));
  return named?.id ?? newest[0]?.[0] ?? store.channels.keys().next().value ?? ELSEWHERE;
}

function listen() {
  const events = new EventSource("/_lab/events");
  events.onopen = () => {
    showConnection(true);
    load();
  };
  events.onerror = () => showConnection(false);
  events.onmessage = (received) => {
    const changed = store.apply(JSON.parse(received.data), current);
    if (changed === null) load();
    else schedule();
  };
}

function showConnection(isOn) {
  document.getElementById("live").classList.toggle("on", isOn);
  document.getElementById("live-text").textContent = isOn ? "live" : "connection lost, trying again";
}

// However many events arrive, the page is drawn at most once a frame.
function schedule() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    render();
  }, 40);
}

function render() {
  document.getElementById("team").textContent = store.team || "Slack stand-in";
  store.unread.delete(current);
  renderSidebar();
  renderChannel();
}

function renderSidebar() {
  const all = [...store.channels.values()].sort((one, other) => store.name(one.id).localeCompare(store.name(other.id)));
  const groups = [
    ["Channels", all.filter((channel) => !channel.user && !channel.archived)],
    ["Direct messages", all.filter((channel) => channel.user)],
    ["Archived", all.filter((channel) => channel.archived && !channel.user)],
  ];
  const parts = [];
  for (const [title, channels] of groups) {
    if (!channels.length) continue;
    parts.push(element("h3", {}, title), ...channels.map((channel) => entry(channel.id, channel)));
  }
  if (store.refusalsOf(ELSEWHERE).length) {
    parts.push(element("h3", {}, "Nowhere"), entry(ELSEWHERE, { name: "unknown channels" }));
  }
  document.getElementById("channels").replaceChildren(...parts);
}

function entry(id, channel) {
  const unread = store.unread.get(id) ?? 0;
  const isBad = store.refusalsOf(id).some((refused) => refused.error !== "ratelimited");
  const classes = [id === current && "current", unread && "unread", channel.archived && "archived"];
  const made = element(
    "a",
    { href: `#${id}`, class: classes.filter(Boolean).join(" ") },
    element("span", { class: "mark", "aria-hidden": "true" }, mark(channel)),
    element("span", { class: "name" }, store.channels.has(id) ? store.name(id) : channel.name),
    isBad ? element("span", { class: "badge bad", title: "messages were refused here" }, "!") : null,
    unread ? element("span", { class: "badge" }, unread > 99 ? "99+" : String(unread)) : null,
  );
  made.addEventListener("click", (click) => {
    click.preventDefault();
    current = id;
    history.replaceState(null, "", `#${channel.name || id}`);
    render();
    list.scrollTop = list.scrollHeight;
  });
  return made;
}

function mark(channel) {
  if (channel.user) return "@";
  return channel.private ? "🔒" : "#";
}

function renderChannel() {
  const channel = store.channels.get(current);
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  document.getElementById("channel-name").textContent = channel ? `${mark(channel)} ${store.name(current)}` : "Unknown channels";
  document.getElementById("channel-facts").textContent = channel ? facts(channel) : "Posts that named no channel there is";
  const lines = merged(store.lines(current));
  const parts = [];
  let lastDay = "";
  for (const line of lines) {
    const title = day(line.at);
    if (title !== lastDay) parts.push(element("div", { class: "day" }, title));
    lastDay = title;
    parts.push(drawn(line));
  }
  if (!parts.length) parts.push(element("p", { class: "empty" }, "No messages yet."));
  list.replaceChildren(...parts);
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

function facts(channel) {
  const people = channel.members.length === 1 ? "1 member" : `${channel.members.length} members`;
  const kind = channel.user ? "direct message" : channel.private ? "private" : "public";
  return [kind, people, channel.id, channel.archived ? "archived" : ""].filter(Boolean).join(" · ");
}

// Refusals of one kind that follow one another become one line with a count.
function merged(lines) {
  const kept = [];
  for (const line of lines) {
    const last = kept.at(-1)?.refusal;
    const isSame = line.refusal && last && last.error === line.refusal.error && last.method === line.refusal.method;
    if (isSame) kept[kept.length - 1] = { ...line, count: kept.at(-1).count + 1 };
    else kept.push({ ...line, count: 1 });
  }
  return kept;
}

function drawn(line) {
  if (line.refusal) {
    const name = store.channels.has(current) ? `#${store.name(current)}` : line.refusal.asked;
    return refusal(line.refusal, line.count, name);
  }
  const { replies, origin } = line;
  const isBroadcast = Boolean(line.message.thread_ts);
  return message(line.message, { names: store.names, replies, origin, isBroadcast });
}

if (new URLSearchParams(location.search).has("still")) {
  load();
  document.getElementById("live-text").textContent = `as of ${clock(Date.now() / 1000)}`;
} else {
  listen();
}
