"""What docs/external-nats.md tells the owner of a broker to grant is what the code grants on a broker of its own.

`UPDATE_GOLDEN=1` writes the page's lists anew.
"""

import os

import pytest

from support.external_broker import PAGE, ROLES, documented, granted, rewritten


def test_the_page_is_as_it_would_be_written() -> None:
    text = rewritten()
    if os.environ.get("UPDATE_GOLDEN") == "1":
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, "UPDATE_GOLDEN=1 writes it anew"


@pytest.mark.parametrize("role", ROLES)
def test_each_roles_list_is_complete_and_has_nothing_more(role: str) -> None:
    assert documented(role) == granted(role)


def test_what_ingest_needs_to_take_turns_is_among_it() -> None:
    needed = {"$KV.lease.ingest.<provider>", "$KV.status.standby.<provider>", "$JS.API.STREAM.MSG.GET.KV_lease"}
    assert needed <= set(documented("ingest").publish)


def test_a_list_is_filled_in_for_every_shard_and_every_provider() -> None:
    book = documented("book").filled(shards=2, providers=["a", "b"]).publish
    assert {"$JS.API.STREAM.INFO.BETS_0", "$JS.API.STREAM.INFO.BETS_1"} <= set(book)
    ingest = documented("ingest").filled(shards=2, providers=["a", "b"]).publish
    assert {"raw.a", "raw.b"} <= set(ingest)
    assert len(set(ingest)) == len(ingest)
