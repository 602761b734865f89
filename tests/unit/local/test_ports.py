"""Ports that are taken."""

import os
import socket

import pytest

from touchline.local import ports
from touchline.local.errors import PortInUse, Refused


def test_a_port_in_use_names_who_has_it_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            PortInUse, match=rf"port {port} on 127.0.0.1 is in use by \S+ \(process {os.getpid()}\)"
        ) as refusal:
            ports.check("127.0.0.1", port)
    assert f"--port {port + 1}" in refusal.value.fix
    ports.check("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(Refused, match=r"203\.0\.113\.7"):
        ports.check("203.0.113.7", 8080)


def test_a_name_that_does_not_resolve_is_refused() -> None:
    with pytest.raises(Refused, match="not an address"):
        ports.check("no-such-host.invalid", 8080)
