"""When a status is written, by a clock that the test holds: what somebody waits for at once, mere figures now and then."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.observed_world import NOW, market, policy
from support.operator_process import USER, Server
from touchline_operator.kube.access import find_access
from touchline_operator.kube.api import Api
from touchline_operator.kube.authority import Unlimited
from touchline_operator.kube.events import Events
from touchline_operator.kube.statuses import FIGURES_US, Statuses
from touchline_operator.status.conditions import FALSE, TRUE, Said, conditions
from touchline_operator.world.custom import Custom
from touchline_operator.world.index import World
from touchline_operator.world.keys import Key

pytestmark = [pytest.mark.servers, pytest.mark.cluster]

OPEN, HALTED = Said("Suspended", FALSE, "NoHold", "2 markets are open"), Said("Suspended", TRUE, "Manual", "halted")


class Told:
    """The status of the Market `m` as the operator writes it; `at` is its clock, in microseconds."""

    def __init__(self, server: Server, tenant: str, api: Api) -> None:
        self.server = server
        self.tenant = tenant
        self.at = 0
        self._world = World()
        events = Events(api, Unlimited(), lambda: NOW, "tester")
        self._statuses = Statuses(api, self._world, events, Unlimited(), lambda: self.at)
        self.look()

    def look(self) -> Custom:
        """What a watch would bring."""
        raw = self.server.get(self.tenant, "market", "m")
        assert raw is not None
        self._world.put_custom(raw)
        found = self._world.custom(Key("Market", self.tenant, "m"))
        assert found is not None
        return found

    async def write(self, said: Said, *, suspended: int) -> int | None:
        """Write a condition and a figure; after how long to come again where they were held back."""
        custom = self.look()
        before, generation = custom.status.get("conditions") or (), custom.generation
        status = {
            "observedGeneration": generation,
            "conditions": conditions(before, [said], generation=generation, now=NOW),
            "instances": {"open": 2 - suspended, "suspended": suspended},
        }
        return await self._statuses.write(custom, status)

    @property
    def shown(self) -> tuple[str, int]:
        """Whether the class says that it is suspended, and how many of its markets."""
        status: dict[str, Any] = self.look().raw["status"]
        condition = next(each for each in status["conditions"] if each["type"] == "Suspended")
        return condition["status"], status["instances"]["suspended"]


@pytest.fixture
async def told(server: Server, tenant: str) -> AsyncIterator[Told]:
    """A Market whose figures were written at this moment."""
    server.apply(tenant, policy(), market("m"))
    async with Api(find_access(str(server.api.kubeconfig_for(USER)))) as api:
        made = Told(server, tenant, api)
        assert await made.write(OPEN, suspended=0) is None
        made.at += FIGURES_US
        assert await made.write(OPEN, suspended=1) is None
        assert made.shown == (FALSE, 1)
        yield made


async def test_mere_figures_are_held_back_until_their_time_and_then_written(told: Told) -> None:
    told.at += FIGURES_US // 4
    assert await told.write(OPEN, suspended=2) == FIGURES_US * 3 // 4
    assert told.shown == (FALSE, 1)
    told.at += FIGURES_US * 3 // 4
    assert await told.write(OPEN, suspended=2) is None
    assert told.shown == (FALSE, 2)


async def test_a_condition_that_changes_is_written_at_once_and_its_figures_with_it(told: Told) -> None:
    assert await told.write(HALTED, suspended=2) is None
    assert told.shown == (TRUE, 2)


async def test_what_a_new_spec_brings_about_is_written_at_once_although_it_is_counted_only_a_moment_later(
    told: Told,
) -> None:
    told.server.patch(told.tenant, "market", "m", {"spec": {"suspended": True}})
    assert await told.write(HALTED, suspended=1) is None
    assert await told.write(HALTED, suspended=2) is None
    assert told.shown == (TRUE, 2)
    assert await told.write(HALTED, suspended=1) == FIGURES_US, "from then on they are figures like any others"


async def test_20_what_is_told_already_is_not_written_again(told: Told) -> None:
    before = told.look().raw["metadata"]["managedFields"]
    told.at += 2 * FIGURES_US
    assert await told.write(OPEN, suspended=1) is None
    assert told.look().raw["metadata"]["managedFields"] == before
