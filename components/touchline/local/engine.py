"""One engine on this machine: servers, streams, configuration, simulators and components, started in order and kept alive.

`touchline up` and `touchline replay` are thin shells around it.
"""

import asyncio
import contextlib
import os
import signal
import ssl
import time
from dataclasses import dataclass, replace
from pathlib import Path

from nats.aio.client import Client
from nats.errors import Error as NatsError

from touchline.bus.config import Change, put_config, watch_config
from touchline.bus.connection import connect, hang_up
from touchline.bus.provision import provision, provision_audit, provision_provider
from touchline.bus.settings import Settings
from touchline.local import credentials, processes, secret_files
from touchline.local.declared import Declared, difference
from touchline.local.errors import Refused
from touchline.local.log_sink import LogSink
from touchline.local.probe import status_of
from touchline.local.servers import NatsServer, ValkeyServer, free_port
from touchline.local.simulators import Simulators
from touchline.local.state_dir import RunRecord, StateDir
from touchline.local.status_board import StatusBoard
from touchline.local.supervisor import ProcessSpec, Supervisor
from touchline.local.trust import trust_in

START_WITHIN = 60.0
STOP_WITHIN = 10.0
CLOSE_WITHIN = 2.0
MAKE_AGAIN_S = 1.0
LOG_BYTES = 1 << 30
"""Of the audit log: the disk is somebody's own, and decisions need theirs."""
NATS = "nats"
VALKEY = "valkey"
# Passwords stand in a file that only its owner reads; and nothing in Valkey is saved to disk, so it never forks.
_HARMLESS = (b"Plaintext passwords detected", b"Memory overcommit must be enabled")


@dataclass(frozen=True)
class Options:
    """What the command line decides."""

    host: str = "127.0.0.1"
    port: int = 8080
    book_nodes: int = 2
    simulate: bool = True
    log_level: str = "INFO"
    files: tuple[str, ...] = ()
    hold_feeds: bool = False
    """Start no reception yet: who wants to see everything subscribes first (`Engine.start_feeds`)."""
    record: bool = True
    """Run the recorder: without it there is no audit log."""


class Engine:
    """Call `start` once, `apply` for each change of the files, `stop` in the end; all from one event loop."""

    def __init__(self, state: StateDir, sink: LogSink, options: Options) -> None:
        self.state = state
        self.sink = sink
        self.options = replace(options, port=options.port or free_port())
        self.supervisor = Supervisor(sink, on_change=self._record)
        self.simulators = Simulators(state)
        self.declared: Declared | None = None
        self.board: StatusBoard | None = None
        self.nc: Client | None = None
        self._passwords: dict[str, str] = {}
        self._nats = NatsServer(state.nats)
        self._valkey = ValkeyServer(state.valkey, password=credentials.new_password())
        self._following: asyncio.Task[None] | None = None
        self._started_at = 0
        self._tls_secret = ""
        self._serving = False
        self._told: Declared | None = None
        self._by_files: dict[str, ProcessSpec] = {}
        self._feeds: list[str] = []

    @property
    def url(self) -> str:
        """Where the gateway and the page are."""
        scheme = "https" if self._tls_secret else "http"
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.options.host, self.options.host)
        return f"{scheme}://{host}:{self.options.port}"

    @property
    def trust(self) -> ssl.SSLContext | None:
        """How the gateway's certificate is judged by clients here; None where it is plain.

        Raises:
            OSError: the certificate cannot be read.
        """
        return trust_in(Path(self._certificate)) if self._certificate else None

    @property
    def _certificate(self) -> str:
        return str(self.state.secrets / self._tls_secret / "tls.crt") if self._tls_secret else ""

    @property
    def broker_url(self) -> str:
        """Where the embedded broker is."""
        return self._nats.url

    async def start(self, declared: Declared) -> None:
        """Start everything and wait until it works.

        Raises:
            Refused: something cannot be started (the message says what, and what to do).
        """
        self._started_at = time.time_ns() // 1000
        self._tls_secret = declared.tls_secret
        told = self._prepared(declared)
        self.supervisor.start(self._nats_spec())
        self.supervisor.start(self._valkey_spec())
        simulators = self._simulator_specs(declared)
        for spec in simulators:
            self.supervisor.start(spec)
        await self.supervisor.ready([NATS, VALKEY], within=START_WITHIN)
        self.nc = await connect(self._admin_settings(), name="touchline up", on_reconnect=self._broker_is_back)
        await self._check_shards(told)
        await self._provision(told)
        self._told = told
        self.board = StatusBoard(self.nc)
        self._following = asyncio.create_task(self.board.follow(), name="status board")
        await self._write_config(told)
        engine = [self._gateway_spec(), *self._book_specs()]
        ingests = self._ingest_specs(told)
        for spec in engine:
            self.supervisor.start(spec)
        await self.supervisor.ready([spec.name for spec in simulators], within=START_WITHIN)
        self.declared, self._told = declared, told
        self._by_files = {spec.name: spec for spec in (*simulators, *ingests)}
        if not self.options.hold_feeds:
            self._start_feeds(ingests)
        await self.supervisor.ready([*(spec.name for spec in engine), *self._feeds], within=START_WITHIN)
        if self.options.record:
            # Nobody waits for it: what happened before it is there, it reads afterwards.
            self.supervisor.start(processes.recorder(self._wiring(), told.shards, self._reports("recorder.recorder")))
        self._serving = True
        self._record()

    async def start_feeds(self) -> None:
        """Start the reception of feeds that `Options.hold_feeds` held back; returns once it works.

        Raises:
            StartFailed: one cannot be started.
        """
        assert self._told is not None
        self._start_feeds(self._ingest_specs(self._told))
        await self.supervisor.ready(self._feeds, within=START_WITHIN)

    def _start_feeds(self, specs: list[ProcessSpec]) -> None:
        for spec in specs:
            self.supervisor.start(spec)
        self._feeds = [spec.name for spec in specs]

    async def apply(self, declared: Declared) -> list[str]:
        """Bring the running engine to a new declaration; returns what was done, in words.

        Raises:
            Refused: it needs a new engine; nothing was changed.
        """
        assert self._told is not None
        assert self.nc is not None
        if declared.shards != self._told.shards:
            raise Refused(
                f"OddsEngine: spec.shards cannot change from {self._told.shards} to {declared.shards} while it runs",
                fix="put it back, or start anew with another --state-dir",
            )
        step = difference(self._told, self.simulators.told(declared))
        wanted_before = self._by_files
        told = self._prepared(declared)
        if step.providers:
            self._nats.command()  # writes the configuration file
            self.supervisor.signal(NATS, signal.SIGHUP)
        for name in told.providers:
            if name not in self._told.providers:
                await provision_provider(self.nc, name)
        if told.log_kept_s != self._told.log_kept_s:
            await self._provision(told)
        for key in step.changed:
            await put_config(self.nc, key, dict(told.config[key]))
        for key in step.removed:
            await put_config(self.nc, key, None)
        wanted = {spec.name: spec for spec in (*self._simulator_specs(declared), *self._ingest_specs(told))}
        await self.supervisor.remove([name for name, spec in wanted_before.items() if wanted.get(name) != spec])
        for name, spec in wanted.items():
            if wanted_before.get(name) != spec:
                self.supervisor.start(spec)
        self.declared, self._told, self._by_files = declared, told, wanted
        return [
            *(f"applied {key}" for key in step.changed),
            *(f"removed {key}" for key in step.removed),
            *(f"applied Secret.{name}" for name in step.secrets),
        ]

    async def stop(self) -> None:
        """Stop everything in order, within about ten seconds."""
        self._serving = False
        # Bounded: nothing here may keep the processes from being stopped.
        if self.nc is not None and not self.nc.is_closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_WITHIN):
                    await hang_up(self.nc)
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following], timeout=CLOSE_WITHIN)
        await self.supervisor.stop_all(within=STOP_WITHIN)

    # Configuration

    async def _check_shards(self, declared: Declared) -> None:
        """Refuse a state directory whose decisions were made with another number of shards: events would change place."""
        assert self.nc is not None
        names = [info.config.name or "" for info in await self.nc.jetstream(timeout=5).streams_info()]
        before = sum(name.startswith("BETS_") for name in names)
        if before not in {0, declared.shards}:
            raise Refused(
                f"the state directory {self.state.root} was made with {before} shards, but the OddsEngine declares "
                f"{declared.shards}",
                fix="put spec.shards back, or use another --state-dir",
            )

    async def _provision(self, declared: Declared) -> None:
        assert self.nc is not None
        await provision(self.nc, shards=declared.shards, providers=declared.providers)
        await provision_audit(self.nc, most_bytes=LOG_BYTES, kept_s=declared.log_kept_s)

    async def _broker_is_back(self) -> None:
        """What it kept in memory has to be made again."""
        while self.nc is not None and self.nc.is_connected:
            if self._told is None:
                return  # it is about to be made for the first time
            try:
                await self._provision(self._told)
            except (NatsError, TimeoutError, OSError) as error:
                self.sink.say(f"the broker is back, but its streams could not be made again: {error!r}", style="yellow")
                await asyncio.sleep(MAKE_AGAIN_S)
            else:
                return

    async def _write_config(self, declared: Declared) -> None:
        """Make the bucket hold exactly these resources; traders' halts stay."""
        assert self.nc is not None
        stored: set[str] = set()
        async for change in watch_config(self.nc):
            if not isinstance(change, Change):
                break
            if change.value is not None:
                stored.add(change.key)
        kinds = ("Halt.", "Resume.")
        for key in sorted(stored - set(declared.config)):
            if not key.startswith(kinds):
                await put_config(self.nc, key, None)
        for key, value in declared.config.items():
            await put_config(self.nc, key, dict(value))

    def _prepared(self, declared: Declared) -> Declared:
        """Write Secrets and know the users of a declaration; returns it as the engine is told it."""
        simulated = [simulator.secret for simulator in self.simulators.plan(declared)]
        secret_files.write(self.state, declared.secrets, others=simulated)
        self._know_users(declared)
        return self.simulators.told(declared)

    def _know_users(self, declared: Declared) -> None:
        """Users for the providers there are; who is known keeps its password."""

        def password(name: str) -> str:
            return self._passwords.setdefault(name, credentials.new_password())

        users = credentials.users(shards=declared.shards, providers=declared.providers, password=password)
        self._nats = NatsServer(self.state.nats, port=self._nats.port, users=[user.entry() for user in users])

    # Processes

    def _admin_settings(self) -> Settings:
        return Settings(
            nats_url=self._nats.url,
            nats_user=credentials.ADMIN,
            nats_password=self._passwords[credentials.ADMIN],
            redis_url=self._valkey.url,
            node="up",
        )

    def _wiring(self) -> processes.Wiring:
        return processes.Wiring(
            nats_url=self._nats.url,
            redis_url=self._valkey.url,
            secrets_dir=self.state.secrets,
            passwords=self._passwords,
            log_level=self.options.log_level,
            base_env=os.environ,
        )

    def _nats_spec(self) -> ProcessSpec:
        async def ready(_born: float) -> bool:
            return await asyncio.to_thread(self._nats.answers)

        return ProcessSpec(
            NATS, tuple(self._nats.command()), os.environ, processes.SERVERS, ready, "WARNING", _HARMLESS
        )

    def _valkey_spec(self) -> ProcessSpec:
        async def ready(_born: float) -> bool:
            return await asyncio.to_thread(self._valkey.answers)

        return ProcessSpec(
            VALKEY, tuple(self._valkey.command()), os.environ, processes.SERVERS, ready, "WARNING", _HARMLESS
        )

    def _simulator_specs(self, declared: Declared) -> list[ProcessSpec]:
        return [self.simulators.spec(simulator) for simulator in self.simulators.plan(declared)]

    def _ingest_specs(self, declared: Declared) -> list[ProcessSpec]:
        wiring = self._wiring()
        return [processes.ingest(wiring, name, self._reports(f"ingest.{name}")) for name in declared.providers]

    def _book_specs(self) -> list[ProcessSpec]:
        names = [f"book-{number}" for number in range(1, self.options.book_nodes + 1)]
        return [processes.book(self._wiring(), name, self._reports(f"book.{name}")) for name in names]

    def _gateway_spec(self) -> ProcessSpec:
        async def ready(_born: float) -> bool:
            return await status_of(f"{self.url}/readyz") == 200

        return processes.gateway(
            self._wiring(), "gateway-1", self.options.host, self.options.port, self._tls_secret, ready
        )

    def _reports(self, key: str) -> processes.Ready:
        """Ready once the process has written its status since it was born."""

        async def ready(born: float) -> bool:
            return self.board is not None and self.board.since(key, born) is not None

        return ready

    def _control_ports(self) -> dict[str, int]:
        if self.declared is None:
            return {}
        return {simulator.name: simulator.control for simulator in self.simulators.plan(self.declared)}

    def _record(self) -> None:
        if not self._serving:
            return
        self.state.write_run(
            RunRecord(
                pid=os.getpid(),
                gateway=self.url,
                nats_url=self._nats.url,
                user=credentials.CLI,
                password=self._passwords[credentials.CLI],
                started_at=self._started_at,
                certificate=self._certificate,
                files=list(self.options.files),
                processes=self.supervisor.pids,
                simulators=self._control_ports(),
            )
        )
