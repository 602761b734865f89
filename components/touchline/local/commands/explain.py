"""`touchline explain`."""

import json
from pathlib import Path
from typing import Any

import click

from touchline.domain.keys import MalformedKey, MarketKey
from touchline.local.gateway_http import GatewayHttp
from touchline.local.screens import console
from touchline.local.screens.explanation import explanation
from touchline.local.target import Gateway, gateway_of, json_option, run, state_dir_option, url_option


@click.command()
@click.argument("name", metavar="MARKET|EVENT")
@url_option
@state_dir_option
@json_option
def explain(name: str, *, url: str, token: str, state_dir: Path, as_json: bool) -> None:
    """Say why a market is open or shut, from whom its price comes, and how fresh that is, with the inputs.

    \b
    Examples:
      touchline explain e7f3a1:MatchWinner
      touchline explain e7f3a1               every market of the event
      touchline explain e7f3a1:MatchWinner --json
    """
    documents = run(_ask(gateway_of(url, state_dir), token, name))
    if as_json:
        click.echo(json.dumps(documents if len(documents) != 1 else documents[0]))
        return
    terminal = console()
    for number, document in enumerate(documents):
        if number:
            terminal.print()
        terminal.print(explanation(document))


async def _ask(gateway: Gateway, token: str, name: str) -> list[dict[str, Any]]:
    http = GatewayHttp(gateway.url, token=token, trust=gateway.trust)
    try:
        if _is_market(name):
            return [await http.market(name)]
        event = await http.event(name)
        return [await http.market(market["id"]) for market in event.get("markets", [])]
    finally:
        await http.close()


def _is_market(name: str) -> bool:
    try:
        MarketKey.parse(name)
    except MalformedKey:
        return False
    return True
