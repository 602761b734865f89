"""Logging in with a NATS credentials file, on a server that knows its users by JWT."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.nats_accounts import TheirNats
from touchline.bus.connection import BrokerUnreachable, connect
from touchline.bus.settings import Settings

pytestmark = pytest.mark.servers


async def test_a_user_is_let_in_with_its_file_and_nobody_without(tmp_path: Path) -> None:
    with TheirNats(tmp_path) as server:
        file = server.credentials("book")
        client = await connect(Settings(nats_url=server.url, nats_credentials=str(file)), name="test")
        assert (await client.jetstream().account_info()).limits.max_streams == -1
        await client.close()
        with pytest.raises(BrokerUnreachable):
            await connect(Settings(nats_url=server.url), name="test", first_connect_s=0.5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "No such file"),
        ("", "holds no JWT"),
        ("-----BEGIN NATS USER JWT-----\nx.y.z\n------END NATS USER JWT------\n", "holds no seed"),
    ],
)
async def test_a_file_that_is_none_is_named(text: str | None, told: str, tmp_path: Path) -> None:
    file = tmp_path / "book.creds"
    if text is not None:
        file.write_text(text)
    with TheirNats(tmp_path) as server, pytest.raises(BrokerUnreachable, match=told) as refused:
        await connect(Settings(nats_url=server.url, nats_credentials=str(file)), name="test", first_connect_s=1)
    assert str(file) in str(refused.value)


def otherwise(seed: str) -> str:
    return seed[:20] + ("B" if seed[20] == "A" else "A") + seed[21:]


@pytest.mark.parametrize("change", [otherwise, lambda seed: "SA" + seed[2:], lambda seed: "not-base32"])
async def test_a_seed_that_is_no_users_is_told_and_not_shown(change: Callable[[str], str], tmp_path: Path) -> None:
    with TheirNats(tmp_path) as server:
        file = server.credentials("book")
        seed = file.read_text().splitlines()[-2]
        file.write_text(file.read_text().replace(seed, change(seed)))
        with pytest.raises(BrokerUnreachable, match="holds no user's seed") as refused:
            await connect(Settings(nats_url=server.url, nats_credentials=str(file)), name="test", first_connect_s=1)
        assert change(seed)[4:] not in str(refused.value)
