"""Ids, versions and holds: what readers rely on to route, to move only forward and to stay shut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchline.domain.holds import Hold, HoldSet
from touchline.domain.keys import LINE_PATTERN, TOKEN_PATTERN, MalformedKey, MarketKey, is_token, shard_of, token
from touchline.domain.reasons import BetReason, HoldReason
from touchline.domain.version import NEVER, Version, VersionError

tokens = st.from_regex(TOKEN_PATTERN, fullmatch=True).filter(str.isascii)
lines = st.from_regex(LINE_PATTERN, fullmatch=True).filter(str.isascii)
versions = st.builds(Version, st.integers(0, 1 << 40), st.integers(0, 1 << 60))


@given(tokens, tokens, st.one_of(st.just(""), lines))
def test_a_market_id_reads_back_as_written(event: str, kind: str, line: str) -> None:
    key = MarketKey(event, kind, line)
    assert MarketKey.parse(str(key)) == key


@pytest.mark.parametrize("text", ["", "e1", "e1:", ":MatchWinner", "e1:A:", "e1:A:x", "e1:A:2.5:3", "e 1:A", "e.1:A"])
def test_a_malformed_market_id_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(MalformedKey, match=re.escape(repr(text))):
        MarketKey.parse(text)


@given(st.text(max_size=100))
def test_any_text_gives_a_subject_token(text: str) -> None:
    assert is_token(token(text))


def test_names_without_latin_letters_keep_tokens_of_their_own() -> None:
    assert token("São Paulo") == "sao-paulo"
    assert len({token("Спартак"), token("Зенит"), token("鹿島"), token("unknown")}) == 4
    assert token("  ") == "unknown"


@given(tokens, st.integers(1, 256))
def test_the_shard_of_an_event_is_stable_and_in_range(event: str, shards: int) -> None:
    assert shard_of(event, shards) == shard_of(event, shards)
    assert 0 <= shard_of(event, shards) < shards


def test_the_shard_hash_never_changes_between_releases() -> None:
    assert [shard_of(event, 8) for event in ("e1", "e2", "arsenal-chelsea")] == [7, 5, 5]


@given(versions, versions)
def test_versions_order_by_epoch_then_seq(a: Version, b: Version) -> None:
    assert (a < b) == (a.epoch < b.epoch or (a.epoch == b.epoch and a.seq < b.seq))
    assert Version.parse(str(a)) == a
    assert a >= NEVER


@pytest.mark.parametrize("text", ["", "3", "3.", ".7", "3.7.1", "-1.2", "a.b", "3.٣", "1." + "9" * 60])
def test_a_malformed_version_is_refused(text: str) -> None:
    with pytest.raises(VersionError, match=r"<epoch>\.<seq>"):
        Version.parse(text)


causes = st.sampled_from(["policy/in-play/goal", "policy/in-play/late", "manual/market", "freshness"])


@given(st.lists(st.tuples(st.booleans(), causes)))
def test_only_its_own_cause_clears_a_hold(steps: list[tuple[bool, str]]) -> None:
    holds, model = HoldSet(), dict[str, int]()
    for at, (add, cause) in enumerate(steps):
        if add:
            assert holds.set(Hold(cause, HoldReason.MANUAL, at)) == (cause not in model)
            model.setdefault(cause, at)
        else:
            assert holds.clear(cause) == (model.pop(cause, None) is not None)
        assert {hold.cause: hold.since for hold in holds} == model
        assert len(holds) == len(model)


def test_reasons_are_the_public_words() -> None:
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+", reason.value) for reason in (*HoldReason, *BetReason))
    assert len({reason.value for reason in BetReason}) == 14
