"""`touchline status`."""

import json
import time
from pathlib import Path
from typing import Any

import click

from touchline.bus.connection import hang_up
from touchline.bus.status import read_status
from touchline.local import halts
from touchline.local.errors import REFUSED
from touchline.local.gateway_http import GatewayHttp
from touchline.local.screens import console
from touchline.local.screens.standing import standing
from touchline.local.state_dir import RunRecord, read_run
from touchline.local.target import gateway_here, json_option, run, state_dir_option


@click.command()
@state_dir_option
@json_option
def status(state_dir: Path, *, as_json: bool) -> None:
    """Show what runs: processes, what each says of itself, and traders' halts.

    Ends with 1 where no engine runs or its gateway is not ready.

    \b
    Examples:
      touchline status
      touchline status --json
    """
    record = read_run(state_dir)
    found = run(_look(record))
    if as_json:
        click.echo(json.dumps(found))
    else:
        console().print(standing(found))
    if not found["ready"]:
        raise SystemExit(REFUSED)


async def _look(record: RunRecord) -> dict[str, Any]:
    gateway = gateway_here(record)
    http = GatewayHttp(gateway.url, trust=gateway.trust)
    nc = await halts.broker_of(record)
    try:
        return {
            "gateway": record.gateway,
            "ready": await http.ready(),
            "uptime": round(time.time() - record.started_at / 1e6),
            "processes": record.processes,
            "components": await read_status(nc),
            "halts": list((await halts.standing(nc)).values()),
        }
    finally:
        await http.close()
        await hang_up(nc)
