"""The ingest of a Replay provider as its pod starts it: the planned command, in a folder as the planned volume is one."""

from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from support.generated_recording import write_recording
from support.ingest_process import ingest_process
from support.ingest_scene import ACCEPT_ALL, declare, declare_engine, raw_frames
from support.observed_world import NAMESPACE, complete, engine, observe, resource, world_of
from support.recorded import frames_of
from support.waiting import until_found
from touchline.api import RECORDINGS
from touchline.bus.status import read_status
from touchline.local.servers import NatsServer
from touchline_operator.plan.documents import document, simulated
from touchline_operator.plan.provider import provider_children
from touchline_operator.world.keys import Key

pytestmark = pytest.mark.servers
NAME = "betfair-a"


def planned(file: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The container of such a provider's ingest, and what the data plane is told of it."""
    spec = {"protocol": "Replay", "replay": {"file": file, "speed": "Max"}, "entityMapRefs": [{"name": "all"}]}
    declared = resource("FeedProvider", NAME, spec)
    declared["metadata"]["annotations"] = {RECORDINGS: "PersistentVolumeClaim/recordings"}
    world = world_of([engine(), declared])
    (deployment,) = (
        each
        for each in provider_children(complete(observe(world, "FeedProvider", NAME)))
        if each["kind"] == "Deployment"
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    custom = world.custom(Key("FeedProvider", NAMESPACE, NAME))
    assert custom is not None
    said = document(custom, simulated(world, NAMESPACE), {})
    assert said is not None
    return container, said


async def test_a_pod_finds_the_file_on_its_volume_and_runs_nothing_else_that_is_there(
    nats_server: NatsServer, nats: Client, tmp_path: Path
) -> None:
    volume = tmp_path / "volume"
    (volume / "2026").mkdir(parents=True)
    recording = write_recording(volume / "2026", seed=7)
    (volume / "json.py").write_text("raise SystemExit('a file of the volume was run')\n")
    container, said = planned(f"2026/{recording.name}")
    assert container["workingDir"] in {mount["mountPath"] for mount in container["volumeMounts"]}
    python, dash_m, module, *options = container["command"]
    assert (python, dash_m, module) == ("python", "-m", "touchline.ingest")
    options[options.index("--health-port") + 1] = "0"
    environment = {each["name"]: each["value"] for each in container["env"] if each["name"] == "PYTHONSAFEPATH"}

    await declare_engine(nats)
    await declare(nats, "EntityMap", "all", ACCEPT_ALL)
    await declare(nats, "FeedProvider", NAME, said["spec"])
    wanted = [frame.rstrip(b"\r\n") for frame in frames_of(recording)]

    async def played() -> bool:
        said = (await read_status(nats)).get(f"ingest.{NAME}", {})
        return bool(said.get("connected")) and (said.get("frames") or {}).get("captured", 0) >= len(wanted)

    with ingest_process(nats_server.url, tmp_path, *options, working_dir=volume, **environment):
        await until_found(played, within=30)
        stored = [frame.frame for frame in await raw_frames(nats, NAME)]
    assert [each for each in stored if each in set(wanted)] == wanted
