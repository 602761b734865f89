// The bet slip: one selection, a stake, and what became of each bet placed from this page.

import { nameOf, titleOf, why } from "./board.js";

const WORDS = {
  MarketSuspended: "the market is suspended", MarketClosed: "the market is closed", UnknownMarket: "this market is not known",
  UnknownSelection: "this selection is not known", SelectionUnavailable: "the selection has no price now",
  StalePrice: "the price could not be proven fresh", PriceChanged: "the price changed", StakeBelowMinimum: "the stake is below the minimum",
  StakeAboveMaximum: "the stake is above the maximum", LiabilityExceeded: "the book's limit is reached",
  JurisdictionNotAllowed: "not offered in your jurisdiction", NoAuthority: "nobody can decide right now",
  Duplicate: "this key was used for another bet", Malformed: "the request was malformed",
};

export class Slip {
  constructor(page, place) {
    this.page = page;
    this.place = place;
    this.bets = new Map();
    page.slip.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    page.stake.addEventListener("input", () => this.draw());
  }

  choose(market, selection) {
    this.market = market;
    this.selection = selection;
    this.page.slip.hidden = false;
    this.page.decision.textContent = "";
    this.draw();
  }

  /** Show the chosen selection as it now stands. */
  draw() {
    const { market, selection, page } = this;
    if (!market) return;
    const price = market.sel[selection];
    const open = market.status === "Open" && Boolean(price);
    page.slipSelection.textContent = `${nameOf(market, selection)}, ${titleOf(market)}, ${market.meta.event?.name ?? ""} at ${price ?? "no price"}`;
    const stake = Number(page.stake.value);
    page.returns.textContent = open && stake > 0 ? (stake * Number(price)).toFixed(2) : "–";
    page.place.disabled = !open;
    page.place.textContent = open ? `Place bet at ${price}` : `${market.status}${why(market) ? `: ${why(market)}` : ""}`;
  }

  submit() {
    const { market, selection, page } = this;
    const bet = {
      key: uniqueKey(),
      stake: page.stake.value,
      type: "Single",
      priceChange: page.priceChange.value,
      legs: [{ market: market.id, selection, price: market.sel[selection], version: market.version }],
    };
    const what = `${nameOf(market, selection)} at ${market.sel[selection]}, stake ${bet.stake}`;
    this.bets.set(bet.key, { what, item: this.entry(what) });
    page.decision.textContent = "Sent; waiting for the decision…";
    try {
      this.place(bet);
    } catch (error) {
      this.settle(bet.key, "failed", error.message);
    }
  }

  entry(what) {
    const item = document.createElement("li");
    item.textContent = `${what}: waiting…`;
    this.page.history.hidden = false;
    this.page.bets.prepend(item);
    return item;
  }

  decided(decision) {
    const leg = decision.legs?.[0] ?? {};
    const reason = WORDS[decision.reason] ?? decision.reason ?? "";
    const text = {
      Accepted: `accepted at ${leg.acceptedPrice}`,
      Rejected: `rejected: ${reason}`,
      Repriced: `not placed: the price is now ${leg.currentPrice}`,
      Pending: "in play: waiting for the bet delay to pass",
      Review: "with a trader for review",
    }[decision.decision] ?? decision.decision;
    const extra = decision.alternativeStake ? ` (up to ${decision.alternativeStake} would be accepted)` : "";
    this.settle(decision.key, String(decision.decision).toLowerCase(), text + extra);
  }

  refused(problem, key) {
    const fields = (problem?.errors ?? []).map((error) => `${error.pointer ?? ""} ${error.detail ?? ""}`).join("; ");
    this.settle(key, "failed", `${problem?.title ?? "refused"}${problem?.detail ? `: ${problem.detail}` : ""} ${fields}`.trim());
  }

  settle(key, state, text) {
    const bet = this.bets.get(key);
    if (!bet) return;
    bet.item.dataset.state = state;
    bet.item.textContent = `${bet.what}: ${text}`;
    this.page.decision.textContent = `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
    this.page.decision.dataset.state = state;
  }
}

/** 128 random bits; `crypto.randomUUID` exists only on secure origins. */
function uniqueKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
