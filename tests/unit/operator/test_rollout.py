"""In which order a book's pods are replaced: whatever the pods do meanwhile."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.observed_world import NOW, engine, observe, world_of
from touchline_operator.check.judge import judge
from touchline_operator.plan.rollout import Member, Step, members, next_step, under_way
from touchline_operator.status.outcome import Outcome, Rollout
from touchline_operator.status.write import status_of
from touchline_operator.world.keys import Key

SECOND = 1_000_000


def statefulset(*, replicas: int = 2, updated: int = 0, available: int | None = None, **status: Any) -> dict[str, Any]:
    """A book in the middle of a rollout to the revision `new`."""
    return {
        "kind": "StatefulSet",
        "metadata": {"name": "book", "namespace": "bets", "uid": "set", "generation": 2},
        "spec": {"replicas": replicas, "updateStrategy": {"type": "OnDelete"}},
        "status": {
            "observedGeneration": 2,
            "updateRevision": "new",
            "updatedReplicas": updated,
            "availableReplicas": replicas if available is None else available,
            **status,
        },
    }


def old(number: int, *, leads: int = 0, **more: Any) -> Member:
    return Member(f"book-{number}", f"uid-{number}", **{"old": True, "ready": True, "leads": leads, **more})


def new(number: int, *, leads: int = 0, **more: Any) -> Member:
    return Member(f"book-{number}", f"uid-{number}-new", **{"old": False, "ready": True, "leads": leads, **more})


def broken(number: int, **more: Any) -> Member:
    return old(number, **{"ready": False, "running": False, "broken": True, **more})


def step(*pods: Member, leaders_known: bool = True, available: int | None = None) -> Step:
    return next_step(statefulset(replicas=len(pods), available=available), pods, leaders_known=leaders_known)


def deleted(*pods: Member, leaders_known: bool = True, available: int | None = None) -> str:
    chosen = step(*pods, leaders_known=leaders_known, available=available).delete
    return chosen.name if chosen is not None else ""


def test_who_leads_nothing_goes_first_whatever_its_number_and_the_leader_last() -> None:
    assert deleted(old(0), old(1, leads=4)) == "book-0"
    assert deleted(new(0), old(1, leads=4)) == "book-1"
    assert deleted(old(0, leads=4), old(1)) == "book-1"
    assert deleted(old(0, leads=4), old(1, leads=3), old(2)) == "book-2"
    assert deleted(old(0, leads=4), old(1, leads=3), new(2)) == "book-1", "of leaders who leads least"
    assert deleted(old(0), old(1), old(2, leads=1)) == "book-1", "of equals the highest ordinal"


@pytest.mark.parametrize(
    ("pods", "waits_for"),
    [
        ([old(0, leads=1), new(1, ready=False)], "book-1"),
        ([old(0, leads=1), new(1, ready=False, broken=True, running=False)], "book-1"),
        ([old(0, leads=1), old(1, going=True)], "book-1"),
        ([old(0), old(1, ready=False, leads=1)], "book-1"),
        ([broken(0), new(1, ready=False)], "book-1"),
    ],
)
def test_while_a_pod_comes_goes_or_is_broken_in_its_new_form_the_others_stay(
    pods: list[Member], waits_for: str
) -> None:
    assert step(*pods) == Step(None, waits_for, sum(not pod.old for pod in pods))


def test_a_pod_that_has_not_been_made_again_is_waited_for() -> None:
    assert next_step(statefulset(), [old(0, leads=1)], leaders_known=True) == Step(None, "book-1", 0)


def test_nobody_goes_before_pods_have_been_ready_for_their_while_and_the_leaders_are_known() -> None:
    assert step(old(0, leads=1), new(1), available=1).waits_for == "pods to have been ready for a while"
    assert step(old(0, leads=1), new(1), leaders_known=False).waits_for == "each shard to have a leader"


def test_a_broken_pod_of_the_old_revision_is_mended_although_nobody_can_say_who_leads() -> None:
    assert deleted(broken(0), broken(1), leaders_known=False, available=0) == "book-1"
    assert deleted(old(0, leads=1), broken(1), available=1) == "book-1"
    assert deleted(old(0), broken(1), old(2, leads=1), available=2) == "book-1"
    assert deleted(new(1), broken(0), available=1) == "book-0"


def test_who_only_just_lost_its_readiness_is_waited_for_and_after_a_minute_it_is_broken() -> None:
    assert not found(ready="False", since_s=59).broken
    assert found(ready="False", since_s=61).broken
    assert not found(ready="True", since_s=61).broken
    assert found(ready="False", since_s=1, state="waiting").broken
    assert found(ready="", since_s=0, state="").broken, "it was never started"


def found(*, ready: str, since_s: int, state: str = "running", leads: int = 3) -> Member:
    at = f"2026-11-25T01:{59 - since_s // 60:02d}:{59 - since_s % 60:02d}Z"  # NOW is two o'clock
    pod = {
        "metadata": {
            "name": "book-0",
            "uid": "u",
            "labels": {"controller-revision-hash": "before"},
            "ownerReferences": [{"uid": "set"}],
        },
        "status": {
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": at}] if ready else [],
            "containerStatuses": [{"state": {state: {}}}] if state else [],
        },
    }
    (member,) = members(statefulset(), [pod], {"book-0": leads}, now=NOW - SECOND)
    assert member.leads == (leads if state == "running" else 0), "what does not run leads nothing"
    assert member.old
    return member


def test_pods_of_another_owner_are_none_of_its_own() -> None:
    pod = {"metadata": {"name": "book-0", "uid": "u", "ownerReferences": [{"uid": "other"}]}}
    assert members(statefulset(), [pod, {"metadata": {"name": "book-1", "uid": "v"}}], {}, now=NOW) == []


def test_a_rollout_is_under_way_by_the_status_of_the_present_spec_only() -> None:
    assert under_way(statefulset(updated=1))
    assert not under_way(statefulset(updated=2))
    assert not under_way(statefulset(updated=1, observedGeneration=1)), "what is counted is of the last spec"
    assert under_way(statefulset(updated=1, currentRevision="new"))
    assert not under_way(statefulset(updated=2, currentRevision="old")), "nobody moves currentRevision on"
    assert not under_way({**statefulset(), "status": {}})
    rolling = statefulset()
    rolling["spec"]["updateStrategy"] = {"type": "RollingUpdate"}
    assert not under_way(rolling)


def test_progressing_says_how_far_it_is_and_degraded_that_it_may_not_go_on_and_how_to_mend_that() -> None:
    key = Key("StatefulSet", "bets", "main-book")
    raw = {**statefulset(updated=1, readyReplicas=2), "metadata": {"name": "main-book", "generation": 2}}
    observed = observe(world_of([engine()]), "OddsEngine", "main", children={key: raw})

    def told(rollout: Rollout | None) -> dict[str, tuple[str, str, str]]:
        status = status_of(observed, judge(observed), Outcome(planned=(key,), rollout=rollout))
        return {each["type"]: (each["status"], each["reason"], each["message"]) for each in status["conditions"]}

    said = told(Rollout(key, "book: 1 of 2 pods updated; waiting for main-book-0"))
    assert said["Progressing"] == ("True", "PodsNotReady", "book: 1 of 2 pods updated; waiting for main-book-0")
    assert said["Degraded"][0] == "False"
    refused = told(Rollout(key, "book: 1 of 2 pods updated", "it may not"))
    assert refused["Degraded"] == ("True", "RolloutNotPermitted", "it may not")
    assert "1 of 2 pods are of the wanted version" in told(None)["Progressing"][2]


class Cluster:
    """A book whose pods do what the test's dice say, and in the end what is right."""

    def __init__(self, pods: list[Member], data: st.DataObject) -> None:
        self.pods = {pod.name: pod for pod in pods}
        self.wanted = len(pods)
        self.data = data
        self.deletions: list[Member] = []
        self.leading_deleted: list[str] = []

    def raw(self) -> dict[str, Any]:
        available = sum(pod.ready for pod in self.pods.values())
        # The controller counts a moment late.
        return statefulset(replicas=self.wanted, available=max(0, available - self.data.draw(st.integers(0, 1))))

    def delete(self, pod: Member) -> None:
        others = [each for each in self.pods.values() if each.name != pod.name]
        assert pod.old
        assert all(each.ready or (each.old and each.broken) for each in others), (pod, others)
        if any(not each.ready for each in others):
            assert pod.broken or all(each.leads for each in others if each.old and not each.ready)
        if pod.leads:
            assert not any(each.old and not each.leads for each in others), (pod, others)
        self.deletions.append(pod)
        self.pods[pod.name] = replace(pod, going=True, ready=False, leads=0)
        self.take_over(pod.leads)

    def take_over(self, shards: int) -> None:
        able = sorted(each.name for each in self.pods.values() if each.ready)
        if shards and able:
            name = self.data.draw(st.sampled_from(able))
            self.pods[name] = replace(self.pods[name], leads=self.pods[name].leads + shards)

    def turn(self, *, hurry: bool) -> None:
        """Something happens to each pod that is on its way; with `hurry` all that can."""
        for name, pod in list(self.pods.items()):
            if not hurry and self.data.draw(st.booleans()):
                continue
            if pod.going:
                del self.pods[name]
            elif not pod.ready and not pod.broken:
                self.pods[name] = replace(pod, ready=True)
        for number in range(self.wanted):
            if f"book-{number}" not in self.pods and (hurry or self.data.draw(st.booleans())):
                self.pods[f"book-{number}"] = new(number, ready=False)


@st.composite
def books(draw: st.DrawFn) -> list[Member]:
    count = draw(st.integers(1, 5))
    found = []
    for number in range(count):
        kind = draw(st.sampled_from(["ready", "ready", "ready", "new", "unready", "broken", "stuck"]))
        leads = draw(st.integers(0, 3))
        found.append(
            {
                "ready": old(number, leads=leads),
                "new": new(number, leads=leads),
                "unready": old(number, leads=leads, ready=False),
                "broken": broken(number),
                "stuck": old(number, leads=leads, ready=False, broken=True),
            }[kind]
        )
    return found


@given(books(), st.data())
def test_a_rollout_ends_with_every_pod_replaced_once_and_breaks_no_rule_on_its_way(
    pods: list[Member], data: st.DataObject
) -> None:
    cluster = Cluster(pods, data)
    for turn in range(60):
        if not any(pod.old for pod in cluster.pods.values()):
            break
        known = turn > 20 or data.draw(st.booleans())
        decided = next_step(cluster.raw(), cluster.pods.values(), leaders_known=known)
        if decided.delete is not None:
            assert known or not decided.delete.running
            cluster.delete(decided.delete)
        else:
            assert decided.waits_for
        cluster.turn(hurry=turn > 20)
    names = [pod.name for pod in cluster.deletions]
    assert sorted(names) == sorted(pod.name for pod in pods if pod.old)


@given(books(), st.booleans())
def test_the_order_in_which_pods_are_listed_does_not_matter(pods: list[Member], known: bool) -> None:
    assert step(*pods, leaders_known=known) == step(*reversed(pods), leaders_known=known)
