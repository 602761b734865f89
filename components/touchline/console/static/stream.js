// The gateway's stream: one WebSocket that subscribes, checks versions, and resumes after a break (docs/protocol.md).
// It keeps the newest state of every market and tells its listener which market changed and how.

const RETRY_FIRST_MS = 250;
const RETRY_MOST_MS = 5000;

export class Stream {
  /** `on` has: market(market, change), gone(id), status(state, text), bet(decision), problem(problem) */
  constructor(topics, on) {
    this.topics = topics;
    this.on = on;
    this.markets = new Map();
    this.nextId = 1;
    this.retryMs = RETRY_FIRST_MS;
    this.drainMs = 0;
    this.asked = new Map();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/v1/ws`, "touchline.v1");
    this.socket.onopen = () => {
      const resume = {};
      for (const market of this.markets.values()) resume[market.id] = market.version;
      this.syncId = this.send({ op: "subscribe", topics: this.topics, resume });
    };
    this.socket.onmessage = (message) => {
      const parsed = JSON.parse(message.data);
      for (const frame of Array.isArray(parsed) ? parsed : [parsed]) this.take(frame);
    };
    this.socket.onclose = (event) => this.reopen(event);
  }

  send(command) {
    const id = this.nextId++;
    this.socket.send(JSON.stringify({ id, ...command }));
    return id;
  }

  /** Asks for a bet; the decision arrives at `on.bet`, a refusal of the request itself at `on.problem` with the bet's key. */
  bet(bet) {
    if (this.socket.readyState !== WebSocket.OPEN) throw new Error("Not connected: the bet was not sent.");
    this.asked.set(this.send({ op: "bet", ...bet }), bet.key);
  }

  reopen(event) {
    const wait = this.drainMs ? Math.random() * this.drainMs : this.retryMs * (0.5 + Math.random());
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MOST_MS);
    this.drainMs = 0;
    this.on.status("lost", `Connection lost${event.reason ? ` (${event.reason})` : ""}; prices are not current. Reconnecting…`);
    setTimeout(() => this.open(), wait);
  }

  take(frame) {
    switch (frame.op) {
      case "state": return this.state(frame);
      case "delta": return this.delta(frame);
      case "gone":
        this.markets.delete(frame.m);
        return this.on.gone(frame.m);
      case "synced":
        if (frame.id === this.syncId) {
          this.retryMs = RETRY_FIRST_MS;
          this.on.status("live", "Live");
        }
        return undefined;
      case "bet":
        return this.on.bet(frame);
      case "drain":
        this.drainMs = frame.after;
        return this.socket.close(1000, "drain");
      case "error": {
        const key = this.asked.get(frame.id);
        return this.on.problem(frame.problem, key);
      }
      default: return undefined;
    }
  }

  state(frame) {
    const before = this.markets.get(frame.m);
    if (before && older(frame.v, before.version)) return;
    const market = {
      id: frame.m,
      version: frame.v,
      status: frame.status,
      holds: frame.holds ?? [],
      sel: { ...frame.sel },
      meta: frame.meta ?? before?.meta ?? {},
      t: frame.t ?? {},
    };
    this.markets.set(frame.m, market);
    this.on.market(market, before ? moved(before.sel, market.sel) : {});
  }

  delta(frame) {
    const market = this.markets.get(frame.m);
    if (!market || market.version !== frame.p) {
      // The protocol promises an unbroken chain: a break is a fault of ours or theirs. Start over rather than show a wrong price.
      this.markets.delete(frame.m);
      this.socket.close(4000, "broken chain");
      return;
    }
    const before = { ...market.sel };
    market.version = frame.v;
    if (frame.status !== undefined) market.status = frame.status;
    if (frame.holds !== undefined) market.holds = frame.holds;
    if (frame.t) market.t = frame.t;
    if (frame.meta) market.meta = { ...market.meta, ...frame.meta };
    for (const [selection, price] of Object.entries(frame.sel ?? {})) market.sel[selection] = price;
    this.on.market(market, moved(before, market.sel));
  }
}

/** Whether version a is lower than b; both are "<epoch>.<seq>". */
function older(a, b) {
  const [ae, as] = a.split(".").map(Number);
  const [be, bs] = b.split(".").map(Number);
  return ae < be || (ae === be && as < bs);
}

/** "up" or "down" by selection whose price changed. */
function moved(before, after) {
  const changes = {};
  for (const [selection, price] of Object.entries(after)) {
    const old = before[selection];
    if (old && price && old !== price) changes[selection] = Number(price) > Number(old) ? "up" : "down";
  }
  return changes;
}
