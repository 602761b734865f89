"""`touchline bet`."""

import asyncio
import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from touchline.local.errors import REFUSED, GatewayError, Refused
from touchline.local.gateway_http import GatewayHttp, new_key
from touchline.local.screens import console
from touchline.local.target import customer_of, gateway_of, json_option, run, state_dir_option, url_option

FINAL = {"Accepted", "Rejected", "Repriced", "Review"}
_STYLES = {"Accepted": "bold green", "Rejected": "bold red", "Repriced": "bold yellow"}
POLL_S = 0.2


@click.command()
@click.argument("market")
@click.argument("selection")
@click.argument("stake")
@click.option("--price", default="", help="The price you want. Default: the current one.")
@click.option(
    "--price-change",
    type=click.Choice(["Exact", "AcceptBetter", "AcceptWithin"]),
    help="What to do where the price has moved. Default: what the market's class says.",
)
@click.option("--key", default="", help="Idempotency key: the same key gets the first decision. Default: a new one.")
@click.option("--wait", is_flag=True, help="With an in-play delay: wait for the final decision.")
@url_option
@state_dir_option
@json_option
def bet(
    market: str,
    selection: str,
    stake: str,
    *,
    price: str,
    price_change: str | None,
    key: str,
    wait: bool,
    url: str,
    token: str,
    state_dir: Path,
    as_json: bool,
) -> None:
    """Place a single bet. Ends with 0 where it is accepted (or pending), with 1 where it is not.

    \b
    Examples:
      touchline bet e7f3a1:MatchWinner home 10.00
      touchline bet e7f3a1:MatchWinner home 10.00 --price 2.10 --price-change AcceptBetter
      touchline bet e7f3a1:MatchWinner home 10.00 --key my-key-1 --wait
    """
    request = {"key": key or new_key(), "stake": stake, "type": "Single"}
    if price_change:
        request["priceChange"] = price_change
    gateway = gateway_of(url, state_dir)
    customer = "" if token else customer_of(state_dir)
    http = GatewayHttp(gateway.url, token=token, customer=customer, trust=gateway.trust)
    decision = run(_place(http, request, market, selection, price, known=bool(key), wait=wait))
    if as_json:
        click.echo(json.dumps(decision))
    else:
        _show(decision, console())
    if decision["decision"] not in {"Accepted", "Pending"}:
        raise SystemExit(REFUSED)


async def _place(
    http: GatewayHttp, request: dict[str, Any], market: str, selection: str, price: str, *, known: bool, wait: bool
) -> dict[str, Any]:
    """`known`: the key was given by the user, so it may have been decided before, at another price than today's."""
    try:
        decision = await http.decision(request["key"]) if known else None
        if decision is None:
            view = await http.market(market)
            wanted = price or _price(view, selection)
            leg = {"market": market, "selection": selection, "price": wanted, "version": view["version"]}
            decision = await http.bet({**request, "legs": [leg]})
        else:
            _verify_same(decision, market, selection)
        while wait and decision["decision"] not in FINAL:
            await asyncio.sleep(POLL_S)
            decision = await http.decision(request["key"]) or decision
        return decision
    except GatewayError as error:
        error.fix = error.fix or "`touchline watch` shows the ids of markets and selections"
        raise
    finally:
        await http.close()


def _verify_same(decision: dict[str, Any], market: str, selection: str) -> None:
    """A key belongs to one bet."""
    legs = [(leg.get("market"), leg.get("selection")) for leg in decision.get("legs", [])]
    if legs != [(market, selection)]:
        told = ", ".join(f"{leg[0]} {leg[1]}" for leg in legs)
        raise Refused(
            f"the key {decision['key']} belongs to another bet: {told}", fix="leave --key out, or use another"
        )


def _price(view: dict[str, Any], selection: str) -> str:
    """The selection's price now."""
    prices = view.get("sel") or {}
    if selection not in prices:
        raise Refused(f"{view['id']} has no selection {selection!r}", fix=f"one of: {', '.join(prices) or '(none)'}")
    if prices[selection] is None:
        raise Refused(f"{selection} of {view['id']} has no price now", fix="name the price you want with --price")
    return str(prices[selection])


def _show(decision: dict[str, Any], terminal: Console) -> None:
    word = decision["decision"]
    reason = f"  {decision['reason']}" if decision.get("reason") else ""
    terminal.print(Text.assemble((word, _STYLES.get(word, "bold")), reason))
    for leg in decision.get("legs", []):
        figures = [
            f"{name} {leg[key]}" for key, name in (("acceptedPrice", "at"), ("currentPrice", "now")) if leg.get(key)
        ]
        terminal.print(f"  {leg.get('market')} {leg.get('selection')}  {'  '.join(figures)}")
    if decision.get("alternativeStake"):
        terminal.print(f"  a stake of {decision['alternativeStake']} would be accepted")
    facts = [
        f"{name} {decision[key]}"
        for key, name in (("stake", "stake"), ("key", "key"), ("durability", "stored as"))
        if decision.get(key)
    ]
    terminal.print(f"  {'  '.join(facts)}", style="dim")
