// The live board: events in groups, each market one row of price buttons. Only what changed is touched.

const WORDS = {
  FeedDelay: "feed late", PriceMove: "price swing", ProviderDisconnect: "provider lost", EventStatus: "match incident",
  Liability: "liability", ProviderDisagreement: "providers disagree", SequenceGap: "updates missing", Manual: "halted by a trader",
  AuthorityLost: "no authority", ProviderSuspended: "suspended by the provider", StalePrice: "price not proven fresh",
  Recovering: "recovering", NoProvider: "no provider", ChecksFailed: "checks failed", CoolDown: "cooling down",
};

/** A hold's reason in words; unknown ones are shown as they are. */
export function why(market) {
  return market.holds.map((hold) => WORDS[hold.reason] ?? hold.reason).filter((word, i, all) => all.indexOf(word) === i).join(", ");
}

/** `home` -> the name to show. */
export function nameOf(market, selection) {
  return market.meta.names?.[selection] ?? selection;
}

export function titleOf(market) {
  const { type = market.id, line } = market.meta;
  const spaced = String(type).replace(/([a-z])([A-Z])/g, "$1 $2");
  return line ? `${spaced} ${line}` : spaced;
}

export class Board {
  constructor(root, empty, onSelect) {
    this.root = root;
    this.empty = empty;
    this.onSelect = onSelect;
    this.groups = new Map();
    this.events = new Map();
    this.rows = new Map();
    this.pending = new Map();
    this.query = "";
    root.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-selection]");
      if (button) onSelect(button.dataset.market, button.dataset.selection);
    });
    root.addEventListener("keydown", (event) => this.arrow(event));
  }

  /** Remember a change; all changes of one frame of the screen are drawn together. */
  update(market, changes) {
    const waiting = this.pending.get(market.id);
    this.pending.set(market.id, { market, changes: { ...waiting?.changes, ...changes } });
    if (!this.scheduled) {
      this.scheduled = true;
      requestAnimationFrame(() => this.draw());
    }
  }

  remove(id) {
    this.pending.delete(id);
    const row = this.rows.get(id);
    if (!row) return;
    this.rows.delete(id);
    const table = row.element.closest("article");
    row.element.remove();
    if (!table.querySelector("tr")) {
      this.events.delete(table.dataset.event);
      const group = table.closest("section");
      table.remove();
      if (!group.querySelector("article")) { this.groups.delete(group.dataset.group); group.remove(); }
    }
    this.empty.hidden = this.rows.size > 0;
  }

  draw() {
    this.scheduled = false;
    for (const { market, changes } of this.pending.values()) this.row(market).draw(market, changes);
    this.pending.clear();
    this.empty.hidden = this.rows.size > 0;
  }

  row(market) {
    let row = this.rows.get(market.id);
    if (!row) {
      row = new Row(market);
      this.rows.set(market.id, row);
      insertSorted(this.event(market).body, row.element, `${market.meta.type === "MatchWinner" ? 0 : 1}${market.id}`);
      this.filterEvent(this.event(market).article);
    }
    this.event(market).drawHead(market);
    return row;
  }

  event(market) {
    const meta = market.meta.event ?? {};
    const id = meta.id ?? market.id.split(":")[0];
    let event = this.events.get(id);
    if (!event) {
      event = makeEvent(id);
      this.events.set(id, event);
      insertSorted(this.group(market), event.article, String(meta.start ?? 0).padStart(20, "0"));
    }
    return event;
  }

  group(market) {
    const { sport = "Other", league = "" } = market.meta;
    const key = `${sport}/${league}`;
    let group = this.groups.get(key);
    if (!group) {
      group = document.createElement("section");
      group.dataset.group = key;
      const heading = document.createElement("h2");
      heading.textContent = `${sport} · ${words(league)}`;
      group.append(heading);
      insertSorted(this.root, group, key);
      this.groups.set(key, group);
    }
    return group;
  }

  filter(query) {
    this.query = query.trim().toLowerCase();
    for (const article of this.root.querySelectorAll("article")) this.filterEvent(article);
    for (const group of this.groups.values()) group.hidden = !group.querySelector("article:not([hidden])");
  }

  filterEvent(article) {
    const text = `${article.closest("section")?.dataset.group ?? ""} ${article.textContent}`.toLowerCase();
    article.hidden = this.query !== "" && !text.includes(this.query);
  }

  mark(marketId, selection) {
    this.root.querySelector('button[aria-pressed="true"]')?.setAttribute("aria-pressed", "false");
    this.rows.get(marketId)?.buttons.get(selection)?.setAttribute("aria-pressed", "true");
  }

  /** Arrow keys walk the prices: left and right in a market, up and down between markets. */
  arrow(event) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const button = event.target.closest?.("button[data-selection]");
    if (!step || !button) return;
    event.preventDefault();
    const rows = [...this.root.querySelectorAll("article:not([hidden]) tbody tr")];
    const row = button.closest("tr");
    const column = [...row.querySelectorAll("button")].indexOf(button);
    const target = rows[rows.indexOf(row) + step[0]];
    const buttons = target ? [...target.querySelectorAll("button")] : [];
    buttons[Math.min(Math.max(column + step[1], 0), buttons.length - 1)]?.focus();
  }
}

class Row {
  constructor(market) {
    this.element = document.createElement("tr");
    this.element.dataset.market = market.id;
    this.title = document.createElement("th");
    this.title.scope = "row";
    this.prices = document.createElement("td");
    this.state = document.createElement("td");
    this.state.className = "state";
    this.element.append(this.title, this.prices, this.state);
    this.buttons = new Map();
  }

  draw(market, changes) {
    this.element.dataset.status = market.status;
    setText(this.title, titleOf(market));
    const reason = market.status === "Suspended" ? why(market) : "";
    setText(this.state, market.status === "Open" ? "" : reason ? `Suspended: ${reason}` : market.status);
    for (const [selection, price] of Object.entries(market.sel)) this.price(market, selection, price, changes[selection]);
    for (const [selection, button] of this.buttons) {
      if (!(selection in market.sel)) { button.remove(); this.buttons.delete(selection); }
    }
  }

  price(market, selection, price, direction) {
    let button = this.buttons.get(selection);
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      button.dataset.market = market.id;
      button.dataset.selection = selection;
      button.setAttribute("aria-pressed", "false");
      button.append(document.createElement("span"), document.createElement("b"));
      this.buttons.set(selection, button);
      insertSorted(this.prices, button, order(selection));
    }
    setText(button.firstChild, nameOf(market, selection));
    setText(button.lastChild, price ?? "–");
    button.classList.toggle("shut", market.status !== "Open" || !price);
    if (direction) {
      button.classList.remove("up", "down");
      void button.offsetWidth; // restart the animation
      button.classList.add(direction);
    }
  }
}

function makeEvent(id) {
  const article = document.createElement("article");
  article.dataset.event = id;
  const head = document.createElement("h3");
  const name = document.createElement("span");
  const phase = document.createElement("small");
  head.append(name, phase);
  const table = document.createElement("table");
  const body = document.createElement("tbody");
  table.append(body);
  article.append(head, table);
  return {
    article,
    body,
    drawHead(market) {
      const meta = market.meta.event ?? {};
      setText(name, meta.name ?? id);
      const live = market.meta.phase === "InPlay";
      phase.classList.toggle("live", live);
      setText(phase, live ? "In play" : meta.start ? new Date(meta.start / 1000).toLocaleString([], { dateStyle: "short", timeStyle: "short" }) : "");
      if (table.caption === null) table.createCaption().className = "hidden";
      setText(table.caption, `Markets of ${meta.name ?? id}`);
    },
  };
}

function insertSorted(parent, child, key) {
  child.dataset.sort = key;
  const next = [...parent.children].find((other) => other.dataset.sort !== undefined && other.dataset.sort > key);
  parent.insertBefore(child, next ?? null);
}

const FIRST = ["home", "over", "draw", "away", "under"];

function order(selection) {
  const index = FIRST.indexOf(selection);
  return `${index < 0 ? 9 : index}${selection}`;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function words(slug) {
  return String(slug).split("-").map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(" ");
}
