// Wires the page together: the stream feeds board, chart and slip; feed health is asked for every two seconds.

import { Board, nameOf, titleOf, why } from "./board.js";
import { History, drawChart } from "./chart.js";
import { Slip } from "./slip.js";
import { Stream } from "./stream.js";

const byId = (id) => document.getElementById(id);
const page = {
  slip: byId("slip"), stake: byId("stake"), priceChange: byId("price-change"), returns: byId("returns"), place: byId("place"),
  decision: byId("decision"), slipSelection: byId("slip-selection"), history: byId("history"), bets: byId("bets"),
};
const history = new History();
let chosen = null;

const board = new Board(byId("board"), byId("empty"), (id, selection) => {
  chosen = { id, selection };
  board.mark(id, selection);
  slip.choose(stream.markets.get(id), selection);
  drawDetail();
});

const stream = new Stream(["*"], {
  market(market, changes) {
    announce(market);
    history.note(market, performance.now());
    board.update(market, changes);
    if (chosen?.id === market.id) {
      slip.market = market;
      slip.draw();
      drawDetail();
    }
  },
  gone(id) {
    board.remove(id);
    history.forget(id);
  },
  status(state, text) {
    byId("connection").dataset.state = state;
    byId("connection").textContent = text;
    document.body.classList.toggle("offline", state !== "live");
  },
  bet: (decision) => slip.decided(decision),
  problem: (problem, key) => slip.refused(problem, key),
});
const slip = new Slip(page, (bet) => stream.bet(bet));

/** Screen readers hear of the chosen event's suspensions and reopenings only: a board of hundreds would never be quiet. */
const shown = new Map();
function announce(market) {
  const before = shown.get(market.id);
  shown.set(market.id, market.status);
  if (!chosen || before === undefined || before === market.status) return;
  if (market.id.split(":")[0] !== chosen.id.split(":")[0]) return;
  const reason = market.status === "Suspended" ? `: ${why(market)}` : "";
  byId("announcer").textContent = `${titleOf(market)} ${market.meta.event?.name ?? ""} ${market.status}${reason}`;
}

function drawDetail() {
  const market = chosen && stream.markets.get(chosen.id);
  if (!market) return;
  byId("detail-title").textContent = `${nameOf(market, chosen.selection)}`;
  byId("detail-status").textContent = `${titleOf(market)} · ${market.meta.event?.name ?? ""} · ${market.status}${why(market) ? `: ${why(market)}` : ""}`;
  drawChart(byId("chart"), byId("chart-text"), history.points(chosen.id, chosen.selection), performance.now());
  const facts = {
    "Price from": market.meta.provider,
    "Market class": market.meta.class,
    "Bet delay": market.meta.betDelayMs ? `${market.meta.betDelayMs / 1000} s` : "none",
    Version: market.version,
  };
  byId("facts").replaceChildren(...Object.entries(facts).filter(([, value]) => value).flatMap(([name, value]) => {
    const term = document.createElement("dt");
    const fact = document.createElement("dd");
    term.textContent = name;
    fact.textContent = value;
    return [term, fact];
  }));
}

async function drawFeeds() {
  const list = byId("feeds");
  try {
    const answer = await fetch("/v1/status", { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const { providers = [] } = await answer.json();
    list.replaceChildren(...providers.map((feed) => {
      const item = document.createElement("li");
      item.dataset.state = feed.state;
      const p99 = feed.health?.delayP99Us ?? -1;
      const delay = p99 >= 0 ? `, delay p99 ${(p99 / 1000).toFixed(0)} ms` : "";
      item.textContent = `${feed.name}: ${feed.state}, ${Number(feed.health?.messagesPerSecond ?? 0).toFixed(0)}/s`;
      item.title = `${feed.state}${delay}${feed.detail ? `; ${feed.detail}` : ""}`;
      return item;
    }));
  } catch (error) {
    const item = document.createElement("li");
    item.dataset.state = "Disconnected";
    item.textContent = `Feed health not available (${error.message})`;
    list.replaceChildren(item);
  }
}

byId("query").addEventListener("input", (event) => board.filter(event.target.value));
byId("find").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    byId("query").focus();
  }
  if (event.key === "Escape" && document.activeElement === byId("query")) {
    byId("query").value = "";
    board.filter("");
    byId("board").focus();
  }
});

const root = document.documentElement;
root.dataset.theme = localStorage.getItem("theme") ?? "";
byId("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
});

stream.open();
drawFeeds();
setInterval(drawFeeds, 2000);
setInterval(drawDetail, 1000);
