"""From kubectl to the snapshot and the status, on a real API server of this module's own.

Its own, since these tests stop it, delete CRDs and withdraw RBAC. The operator's part runs under
the ServiceAccount and the ClusterRole that are shipped.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.cluster import ControlPlane, ControlPlaneOptions
from lab.places import PROJECT
from tests.unit.pipeline.reconciling import Assembly
from tocsin.adapters.kube import KubeApi
from tocsin.edge.watching import Watching
from tocsin.model.object_key import Kind
from tocsin.model.snapshot import Snapshot

_PATIENCE_SECONDS = 40  # less than the list that would find what the watch misses
_POLL_SECONDS = 0.01
_BASE = PROJECT / "manifests" / "base"
_CRDS = [f"crd/{kind.plural}.tocsin.dev" for kind in Kind]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with CRDs, ServiceAccount and RBAC as they are shipped."""
    options = ControlPlaneOptions(controller_manager=False)
    with ControlPlane(tmp_path_factory.mktemp("plane"), options) as plane:
        _apply_crds(plane)
        for file in ("namespace", "service-account", "operator-role"):
            plane.kubectl("apply", "--namespace=tocsin-system", "-f", str(_BASE / f"{file}.yaml"))
        yield plane


@pytest.fixture(scope="module")
def kubeconfig(plane: ControlPlane) -> Path:
    """The operator's credentials."""
    return plane.service_account_kubeconfig("tocsin-system", "tocsin")


@pytest.fixture
def place(plane: ControlPlane) -> str:
    """A namespace with a token in it, for one test."""
    name = f"place-{len(plane.kubectl('get', 'namespaces', '-oname').splitlines())}"
    plane.kubectl("create", "namespace", name)
    token = "--from-literal=token=xoxb-1-2-made-up"
    plane.kubectl("create", "secret", "generic", "slack-token", token, f"--namespace={name}")
    return name


def _apply_crds(plane: ControlPlane) -> None:
    plane.kubectl("apply", "--server-side", "-k", str(PROJECT / "crds"))
    plane.kubectl("wait", "--for=condition=Established", *_CRDS)


def _document(kind: Kind, name: str, place: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "tocsin.dev/v1alpha1",
        "kind": kind.value,
        "metadata": {"name": name, "namespace": place},
        "spec": spec,
    }


class Watched:
    """The parts that watch, at work on the control plane."""

    def __init__(self, plane: ControlPlane, place: str, parts: Assembly) -> None:
        self.plane = plane
        self.place = place
        self.parts = parts

    async def kubectl(self, *arguments: str, **named: Any) -> str:
        return await asyncio.to_thread(self.plane.kubectl, *arguments, **named)

    async def apply(self, *names: str, channel: str = "#a") -> None:
        """Apply receivers with this channel."""
        spec = {"configRef": {"name": "acme"}, "channels": [channel]}
        documents = [_document(Kind.RECEIVER, name, self.place, spec) for name in names]
        await self.kubectl("apply", "-f-", input=yaml.safe_dump_all(documents))

    async def delete(self, kind: Kind, name: str) -> None:
        await self.kubectl("delete", kind.plural, name, f"--namespace={self.place}")

    def snapshot(self) -> Snapshot:
        return self.parts.sink.snapshots[-1][1] if self.parts.sink.snapshots else Snapshot()

    def receivers(self) -> dict[str, str]:
        """The first channel of each of the namespace's receivers in the newest snapshot."""
        return {
            receiver.metadata.name: receiver.spec.channels[0]
            for receiver in self.snapshot().receivers.values()
            if receiver.metadata.namespace == self.place
        }

    async def until(self, holds: Callable[[], bool]) -> None:
        """Returns once `holds()`; fails the test if that takes too long."""
        for _ in range(int(_PATIENCE_SECONDS / _POLL_SECONDS)):
            if holds():
                return
            await asyncio.sleep(_POLL_SECONDS)
        pytest.fail(f"still not so: {self.receivers()}, suspended: {self.parts.mirror.suspended}")

    async def events_about(self, name: str, reason: str) -> str:
        """What kubectl describes of a receiver, once a k8s event with this reason is shown."""
        for _ in range(_PATIENCE_SECONDS):
            here = f"--namespace={self.place}"
            text = await self.kubectl("describe", "slackreceiver", name, here)
            if reason in text.partition("Events:")[2]:
                return text
            await asyncio.sleep(1)
        pytest.fail(f"no k8s event {reason}")


@asynccontextmanager
async def _parts(kubeconfig: Path) -> AsyncIterator[Assembly]:
    api = KubeApi(kubeconfig)
    parts = Assembly(api)
    tasks = [asyncio.create_task(run) for run in parts.runs()]
    try:
        yield parts
    finally:
        await _end(*tasks)
        await api.close()


@asynccontextmanager
async def _watch(parts: Assembly, kubeconfig: Path) -> AsyncIterator[None]:
    task = asyncio.create_task(Watching(parts.mirror, kubeconfig).run())
    try:
        yield
    finally:
        await _end(task)


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results), results


@pytest.fixture
async def watched(plane: ControlPlane, kubeconfig: Path, place: str) -> AsyncIterator[Watched]:
    async with _parts(kubeconfig) as parts, _watch(parts, kubeconfig):
        found = Watched(plane, place, parts)
        await found.until(lambda: parts.mirror.is_synced)
        yield found


async def test_changes_by_kubectl_come_into_force(watched: Watched) -> None:
    await watched.apply("ops", "dev")
    await watched.until(lambda: watched.receivers() == {"ops": "#a", "dev": "#a"})
    await watched.apply("ops", channel="#b")
    await watched.until(lambda: watched.receivers() == {"ops": "#b", "dev": "#a"})
    await watched.delete(Kind.RECEIVER, "ops")
    await watched.until(lambda: watched.receivers() == {"dev": "#a"})


async def test_statuses_pass_the_schema_and_satisfy_kubectl_wait(watched: Watched) -> None:
    spec = {"tokenSecretRef": {"name": "slack-token"}}
    config = json.dumps(_document(Kind.CONFIG, "acme", watched.place, spec))
    await watched.kubectl("apply", "-f-", input=config)
    watched.parts.slack.has("C00000002", "closed", archived=True)
    await watched.apply("ops")
    await watched.apply("closed", channel="#closed")
    here = f"--namespace={watched.place}"
    for name in ("slc/acme", "slr/ops", "slr/closed"):
        await watched.kubectl("wait", "--for=condition=Ready", name, here, "--timeout=50s")
    await watched.kubectl("wait", "--for=condition=Delivering=False", "slr/closed", here)
    shown = await watched.kubectl("get", "slr", "ops", here, "-ojson")
    status = json.loads(shown)["status"]
    assert status["observedGeneration"] == 1
    assert status["channels"] == [
        {
            "name": "#a",
            "id": "C00000001",
            "reachable": "True",
            "reason": "Member",
            "sent": 0,
            "failed": 0,
            "pending": 0,
        }
    ]
    text = await watched.events_about("closed", "ChannelArchived")
    assert "#closed is archived" in text
    assert "xoxb" not in text


async def test_deletions_while_nobody_watched_are_noticed(
    plane: ControlPlane, kubeconfig: Path, place: str
) -> None:
    async with _parts(kubeconfig) as parts:
        watched = Watched(plane, place, parts)
        async with _watch(parts, kubeconfig):
            await watched.apply("ops", "dev")
            await watched.until(lambda: watched.receivers() == {"ops": "#a", "dev": "#a"})
        await watched.delete(Kind.RECEIVER, "ops")
        assert watched.receivers() == {"ops": "#a", "dev": "#a"}
        async with _watch(parts, kubeconfig):
            await watched.until(lambda: watched.receivers() == {"dev": "#a"})


async def test_a_restart_of_the_api_server_loses_nothing(watched: Watched) -> None:
    await watched.apply("ops", "dev")
    await watched.until(lambda: len(watched.receivers()) == 2)
    await asyncio.to_thread(watched.plane.stop_api_server)
    await asyncio.sleep(1)
    assert len(watched.receivers()) == 2
    await asyncio.to_thread(watched.plane.start_api_server)
    await watched.apply("ops", channel="#after")
    await watched.delete(Kind.RECEIVER, "dev")
    await watched.until(lambda: watched.receivers() == {"ops": "#after"})


async def test_watching_ends_while_the_api_server_is_away(
    plane: ControlPlane, kubeconfig: Path
) -> None:
    async with _parts(kubeconfig) as parts:
        await asyncio.to_thread(plane.stop_api_server)
        try:
            async with _watch(parts, kubeconfig):
                await asyncio.sleep(0.5)
        finally:
            await asyncio.to_thread(plane.start_api_server)


async def _keep_and_take_up_again(
    watched: Watched, vanish: Callable[[], Awaitable[Any]], come_back: Callable[[], Awaitable[Any]]
) -> None:
    """A kind vanishes, which changes nothing; it is back, and changes count at once."""
    await watched.apply("ops", "dev")
    await watched.until(lambda: len(watched.receivers()) == 2)
    mirror = watched.parts.mirror
    await vanish()
    mirror.observe(Kind.RECEIVER, "DELETED", {})
    await watched.until(lambda: Kind.RECEIVER in mirror.suspended)
    assert len(watched.receivers()) == 2
    await come_back()
    await watched.until(lambda: Kind.RECEIVER not in mirror.suspended)
    assert len(watched.receivers()) == 2
    await watched.apply("ops", "new", channel="#after")
    await watched.until(
        lambda: watched.receivers() == {"ops": "#after", "dev": "#a", "new": "#after"}
    )
    await watched.apply("new", channel="#again")
    await watched.until(lambda: watched.receivers()["new"] == "#again")


async def test_receivers_whose_crd_was_deleted_are_kept_until_it_is_back(watched: Watched) -> None:
    await _keep_and_take_up_again(
        watched,
        lambda: watched.kubectl("delete", "crd", "slackreceivers.tocsin.dev"),
        lambda: asyncio.to_thread(_apply_crds, watched.plane),
    )


async def test_receivers_behind_withdrawn_rbac_are_kept_until_it_is_back(watched: Watched) -> None:
    role = str(_BASE / "operator-role.yaml")
    await _keep_and_take_up_again(
        watched,
        lambda: watched.kubectl("delete", "-f", role),
        lambda: watched.kubectl("apply", "-f", role),
    )


async def test_an_operator_that_starts_before_its_crds_takes_them_up(
    plane: ControlPlane, kubeconfig: Path, place: str
) -> None:
    plane.kubectl("delete", *_CRDS)
    async with _parts(kubeconfig) as parts, _watch(parts, kubeconfig):
        watched = Watched(plane, place, parts)
        await asyncio.sleep(1)
        assert not parts.sink.snapshots
        await asyncio.to_thread(_apply_crds, plane)
        await watched.until(lambda: parts.mirror.is_synced)
        await watched.apply("ops")
        await watched.until(lambda: watched.receivers() == {"ops": "#a"})
        await watched.apply("ops", channel="#b")
        await watched.until(lambda: watched.receivers() == {"ops": "#b"})
