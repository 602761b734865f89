"""The real operator as a process against a real API server, and short ways to ask that server about objects."""

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from support import chart
from support.waiting import wait_until
from touchline_e2e.apiserver import ApiServer
from touchline_e2e.audit import Request
from touchline_e2e.errors import CommandFailed

ROOT = Path(__file__).parents[2]
SYSTEM = "touchline-system"
USER = chart.user(namespace=SYSTEM)
SECRETS_ROLE = "touchline-operator-secrets"
"""Of Secrets and pods: bound in each namespace that lets the operator in."""
WITHIN_S = 40.0


class Server:
    """An API server with our kinds installed, and what tests ask of it."""

    def __init__(self, api: ApiServer) -> None:
        self.api = api

    def install(self) -> None:
        """CRDs, the operator's namespace and what the chart allows it, before any operator is started."""
        self.api.kubectl("apply", "--server-side", "-f", ROOT / "crds")
        self.api.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        self.api.kubectl("create", "namespace", SYSTEM)
        self.apply("", *chart.roles(namespace=SYSTEM))

    def namespace(self, name: str, **labels: str) -> str:
        """Make a tenant."""
        metadata = {"name": name, "labels": labels}
        self.apply("", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        return name

    def let_in(self, namespace: str) -> None:
        """Let the operator work with the Secrets of one namespace, as docs/install.md says."""
        _, _, system, account = USER.split(":")
        self.api.kubectl(
            *("create", "rolebinding", SECRETS_ROLE, "--namespace", namespace),
            *(f"--clusterrole={SECRETS_ROLE}", f"--serviceaccount={system}:{account}"),
        )

    def apply(self, namespace: str, *manifests: Mapping[str, Any], manager: str = "tester") -> None:
        """Server-side apply, as a user or a GitOps controller does."""
        words = [
            "apply",
            "--server-side",
            f"--field-manager={manager}",
            *(["-n", namespace] if namespace else []),
            "-f",
            "-",
        ]
        self.api.kubectl(*words, stdin=yaml.safe_dump_all([dict(each) for each in manifests]))

    def apply_files(self, namespace: str, path: Path) -> None:
        """Server-side apply of a folder."""
        self.api.kubectl("apply", "--server-side", "--field-manager=tester", "-n", namespace, "-f", path)

    def get(self, namespace: str, kind: str, name: str) -> dict[str, Any] | None:
        """One object; None where there is none."""
        try:
            text = self.api.kubectl("get", kind, name, "-n", namespace, "-o", "json", "--show-managed-fields")
        except CommandFailed as error:
            if "NotFound" in str(error):
                return None
            raise
        found: dict[str, Any] = json.loads(text)
        return found

    def names(self, namespace: str, kinds: str) -> list[str]:
        """`kind/name` of every object of some kinds."""
        text = self.api.kubectl("get", kinds, "-n", namespace, "-o", "name")
        return sorted(re.sub(r"\.[^/]*/", "/", line) for line in text.splitlines())

    def condition(self, namespace: str, kind: str, name: str, type_: str) -> dict[str, Any]:
        """One condition; empty for none."""
        status = (self.get(namespace, kind, name) or {}).get("status") or {}
        found: dict[str, Any] = next((each for each in status.get("conditions") or () if each["type"] == type_), {})
        return found

    def says(self, namespace: str, kind: str, name: str, type_: str, status: str, reason: str = "") -> bool:
        """Whether a condition has a status, and a reason where one is named."""
        found = self.condition(namespace, kind, name, type_)
        return found.get("status") == status and reason in {"", found.get("reason")}

    def patch(self, namespace: str, kind: str, name: str, patch: Mapping[str, Any]) -> None:
        """A hand edit (merge patch)."""
        self.api.kubectl("patch", kind, name, "-n", namespace, "--type=merge", "-p", json.dumps(patch))

    def delete(self, namespace: str, kind: str, name: str) -> None:
        self.api.kubectl("delete", kind, name, "-n", namespace, "--wait=false")

    def writes(self, since: int) -> list[Request]:
        """The operator's writes after a mark; its own Lease apart."""
        return [each for each in self.api.audit.writes(since, user=USER) if each.resource != "leases"]


class Operator:
    """One replica, as long as the `with` lasts."""

    def __init__(
        self,
        server: Server,
        *,
        namespaces: Iterable[str] = (),
        user: str = USER,
        lease: str = "touchline-operator",
        log: Path,
        log_level: str = "DEBUG",
    ) -> None:
        self._server = server
        self._argv = [
            sys.executable, "-m", "touchline_operator", "--kubeconfig", str(server.api.kubeconfig_for(user)),
            "--host", "127.0.0.1", "--port", "0", "--lease-name", lease, "--image", "touchline:test", "--log-level", log_level,
            *(word for namespace in namespaces for word in ("--namespace", namespace)),
        ]  # fmt: skip
        self._log = log
        self.process: subprocess.Popen[str]
        self.port = 0
        self.identity = ""

    def __enter__(self) -> Self:
        with self._log.open("a") as log:
            self.process = subprocess.Popen(self._argv, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the operator ended: {self.log()[-2000:]}"
        told = json.loads(line)
        self.port, self.identity = told["port"], told["identity"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait(15)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def log(self) -> str:
        """What it said."""
        return self._log.read_text(encoding="utf-8")

    def metric(self, name: str, **labels: str) -> float:
        """A figure of `/metrics`, summed over what the labels leave open."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except urllib.error.URLError as error:
            raise AssertionError(f"the operator does not serve its metrics: {error}; {self.log()[-1000:]}") from error
        total = 0.0
        for line in text.splitlines():
            found = re.fullmatch(rf"{name}(?:\{{(.*)\}})? ([0-9.e+-]+)", line)
            if found and all(f'{key}="{value}"' in (found[1] or "") for key, value in labels.items()):
                total += float(found[2])
        return total

    def probe(self, path: str) -> int:
        """HTTP status of a probe."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    @property
    def leads(self) -> bool:
        return self.metric("touchline_operator_leader") == 1

    def settle(self, *, within: float = WITHIN_S) -> None:
        """Wait until nothing is due and everything that was written has been seen and looked at again."""
        quiet_since, last = time.monotonic(), -1.0
        depth = age = 0.0

        def quiet() -> bool:
            nonlocal quiet_since, last, depth, age
            done = self.metric("touchline_operator_reconciles_total")
            depth = self.metric("touchline_operator_queue_depth")
            age = self.metric("touchline_operator_watch_age_seconds")
            if depth or age or done != last:
                quiet_since, last = time.monotonic(), done
            return time.monotonic() - quiet_since > 1.0

        try:
            wait_until(quiet, within=within)
        except TimeoutError as error:
            raise AssertionError(
                f"the operator does not come to rest within {within} s: {depth:g} keys due, the watches owe for {age:g} s, "
                f"{last:g} reconciliations; {self.log()[-4000:]}"
            ) from error

    def look_again(self, kind: str, times: int, *, within: float = 60.0) -> None:
        """Wait until objects of a kind have been reconciled so many times more."""
        before = self.metric("touchline_operator_reconciles_total", kind=kind)
        wait_until(
            lambda: self.metric("touchline_operator_reconciles_total", kind=kind) >= before + times, within=within
        )


def eventually(condition: Callable[[], bool], what: str, *, within: float = WITHIN_S) -> None:
    """Wait, and say what did not happen."""
    try:
        wait_until(condition, within=within)
    except TimeoutError as error:
        raise AssertionError(f"{what}: not within {within} s") from error


async def calmly(condition: Callable[[], bool], what: str, *, within: float = WITHIN_S) -> None:
    """`eventually` without standing in the event loop's way."""
    await asyncio.to_thread(eventually, condition, what, within=within)
