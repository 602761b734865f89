"""`python -m touchline_operator`: one replica of the operator."""

import asyncio
import logging
import os
import secrets
import signal
import socket
import sys

import click

from touchline_operator.errors import OperatorError
from touchline_operator.run.operator import run
from touchline_operator.settings import OperatorSettings

EPILOG = """\b
Examples:
  python -m touchline_operator                                  in a pod, for all namespaces
  python -m touchline_operator --namespace bets --kubeconfig ~/.kube/config

\b
Exit codes: 0 stopped as asked (SIGTERM, Ctrl-C); 1 could not go on, the last line says why; a lost Lease is one such reason,
and the process is meant to be started again.
"""


@click.command(epilog=EPILOG, context_settings={"max_content_width": 110, "auto_envvar_prefix": "TOUCHLINE_OPERATOR"})
@click.option(
    "--namespace", "namespaces", multiple=True, help="Namespace to work for; several times for several. Default: all."
)
@click.option(
    "--lease-namespace", default="touchline-system", show_default=True, help="Where the operator itself lives."
)
@click.option(
    "--lease-name", default="touchline-operator", show_default=True, help="Name of the Lease of its replicas."
)
@click.option("--identity", default="", help="Name of this replica in the Lease. Default: host name and a random part.")
@click.option("--image", default="touchline:dev", show_default=True, help="Image of components that name none.")
@click.option("--kubeconfig", default=None, help="File with the access. Default: the pod's own, else KUBECONFIG.")
@click.option("--host", default="0.0.0.0", show_default=True, help="Address of probes and metrics.")
@click.option(
    "--port", default=8081, show_default=True, type=click.IntRange(0, 65535), help="Port of probes and metrics."
)
@click.option("--workers", default=8, show_default=True, type=click.IntRange(1, 64), help="Reconciliations at a time.")
@click.option(
    "--log-level", default="INFO", show_default=True, type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"])
)
def main(
    namespaces: tuple[str, ...],
    lease_namespace: str,
    lease_name: str,
    identity: str,
    image: str,
    kubeconfig: str | None,
    host: str,
    port: int,
    workers: int,
    log_level: str,
) -> None:
    """Reconcile Touchline's custom resources. Of several replicas one works and the others stand by."""
    logging.basicConfig(level=log_level, stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("kopf").setLevel(logging.WARNING if log_level != "DEBUG" else logging.INFO)
    logging.getLogger("touchline.bus.connection").setLevel(logging.ERROR)  # statuses say that a broker is away, once
    logging.getLogger("nats").setLevel(logging.CRITICAL)
    settings = OperatorSettings(
        namespaces=namespaces,
        lease_namespace=lease_namespace,
        lease_name=lease_name,
        identity=identity or f"{socket.gethostname()}_{secrets.token_hex(4)}",
        image=image,
        kubeconfig=kubeconfig or (os.environ.get("KUBECONFIG") or None),
        host=host,
        port=port,
        workers=workers,
    )
    sys.exit(asyncio.run(_run(settings)))


async def _run(settings: OperatorSettings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def serving(port: int) -> None:
        print(f'{{"port": {port}, "identity": "{settings.identity}"}}', flush=True)

    try:
        await run(settings, stop, ready=serving)
    except OperatorError as error:
        logging.getLogger("touchline_operator").error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    main()
