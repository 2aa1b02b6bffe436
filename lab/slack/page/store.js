// What the page knows: channels, messages and refusals, kept up to date by events.

const KEPT_MESSAGES = 400;
const KEPT_REFUSALS = 500;

export class Store {
  constructor() {
    this.load({ teams: [], users: {}, channels: [], messages: [], refusals: [] });
    this.unread = new Map();
  }

  load(snapshot) {
    this.team = snapshot.teams.map((team) => team.name).join(", ");
    this.names = snapshot.users;
    this.channels = new Map(snapshot.channels.map((channel) => [channel.id, channel]));
    this.messages = new Map();
    this.refusals = snapshot.refusals;
    for (const message of snapshot.messages) this.put(message);
  }

  put(message) {
    const known = this.messages.get(message.channel) ?? new Map();
    this.messages.set(message.channel, known);
    known.set(message.ts, message);
    if (known.size > KEPT_MESSAGES) known.delete(known.keys().next().value);
  }

  // Applies an event; returns the ID of the channel that it changed, null for "fetch everything again".
  apply(event, current) {
    if (event.kind === "resync") return null;
    if (event.kind === "refusal") {
      this.refusals.push(event);
      if (this.refusals.length > KEPT_REFUSALS) this.refusals.shift();
      return event.channel;
    }
    const { channel, ts } = event.message;
    if (event.kind === "delete") this.messages.get(channel)?.delete(ts);
    else this.put(event.message);
    if (event.kind === "message" && channel !== current) {
      this.unread.set(channel, (this.unread.get(channel) ?? 0) + 1);
    }
    return this.channels.has(channel) ? channel : null;
  }

  refusalsOf(channel) {
    return this.refusals.filter((refusal) => refusal.channel === channel);
  }

  name(id) {
    const channel = this.channels.get(id);
    if (!channel) return id;
    return channel.user ? (this.names[channel.user] ?? channel.user) : channel.name;
  }

  // The lines of a channel in order of time: messages with their replies, broadcasts, refusals.
  lines(channel) {
    const known = this.messages.get(channel) ?? new Map();
    const all = [...known.values()].sort((one, other) => (one.ts < other.ts ? -1 : 1));
    const replies = Map.groupBy(all.filter((message) => message.thread_ts), (message) => message.thread_ts);
    const shown = all.filter((message) => !message.thread_ts || message.broadcast || !known.has(message.thread_ts));
    const lines = shown.map((message) => ({
      at: Number(message.ts),
      message,
      replies: replies.get(message.ts) ?? [],
      origin: known.get(message.thread_ts) ?? null,
    }));
    for (const refusal of this.refusalsOf(channel)) lines.push({ at: refusal.at, refusal });
    return lines.sort((one, other) => one.at - other.at);
  }
}
