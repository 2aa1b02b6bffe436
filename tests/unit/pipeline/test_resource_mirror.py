"""The resource mirror, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.unit.pipeline.api_server import ApiServer, config_spec, receiver_spec
from tests.virtual_time import virtual_time
from tocsin.errors import KubeError, KubeForbidden, KubeNotFound, KubeUnavailable
from tocsin.model.object_key import Kind, ObjectKey
from tocsin.pipeline.resource_cache import ResourceCache
from tocsin.pipeline.resource_mirror import GRANTS_SECONDS, RESYNC_SECONDS, ResourceMirror

OPS = ObjectKey(Kind.RECEIVER, "monitoring/ops")
DEV = ObjectKey(Kind.RECEIVER, "monitoring/dev")
ACME = ObjectKey(Kind.CONFIG, "monitoring/acme")


class Listener:
    """Records what it is told, with the time."""

    def __init__(self) -> None:
        self.news: list[tuple[float, str, object]] = []

    def synced(self) -> None:
        self._note("synced", None)

    def changed(self, key: ObjectKey, body: Mapping[str, Any]) -> None:
        assert body["metadata"]["name"] == key.name
        self._note("changed", key)

    def forgotten(self, key: ObjectKey) -> None:
        self._note("forgotten", key)

    def regranted(self) -> None:
        self._note("regranted", None)

    def told(self, what: str) -> list[object]:
        return [about for _, kind, about in self.news if kind == what]

    def _note(self, what: str, about: object) -> None:
        self.news.append((asyncio.get_running_loop().time(), what, about))


class Mirrored:
    """A mirror of a server, and what it tells."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.cache = ResourceCache()
        self.listener = Listener()
        self.mirror = ResourceMirror(server, self.cache, self.listener)

    def watch(self, change: str | None, kind: Kind, name: str, spec: dict[str, Any]) -> None:
        """Change an object, and have the watch tell."""
        self.mirror.observe(kind, change, self.server.put(kind, name, spec))

    def delete(self, kind: Kind, name: str) -> None:
        """Delete an object, and have the watch tell."""
        self.mirror.observe(kind, "DELETED", self.server.delete(kind, name))

    def receivers(self) -> set[str]:
        return {key.partition("/")[2] for key in self.cache.keys(Kind.RECEIVER)}

    def lists(self, kind: str) -> list[float]:
        return [at for at, what in self.server.lists if what == kind]


@asynccontextmanager
async def _running(server: ApiServer) -> AsyncIterator[Mirrored]:
    mirrored = Mirrored(server)
    task = asyncio.create_task(mirrored.mirror.run())
    try:
        yield mirrored
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _server() -> ApiServer:
    server = ApiServer()
    server.put(Kind.CONFIG, "acme", config_spec())
    server.put(Kind.RECEIVER, "ops", receiver_spec())
    server.put(Kind.RECEIVER, "dev", receiver_spec())
    return server


@virtual_time
async def test_the_first_sync_lists_everything_and_then_says_so() -> None:
    async with _running(_server()) as mirrored:
        assert not mirrored.mirror.is_synced
        await asyncio.sleep(1)
    assert set(mirrored.listener.told("changed")) == {ACME, OPS, DEV}
    assert [kind for _, kind, _ in mirrored.listener.news][-1] == "synced"
    assert mirrored.mirror.is_synced
    assert mirrored.cache.namespaces == {"monitoring": {}}


@pytest.mark.parametrize("missing", [*Kind, "Namespace"])
@pytest.mark.parametrize("error", [KubeUnavailable, KubeForbidden, KubeNotFound])
def test_without_one_of_the_lists_nothing_is_synced_until_it_succeeds(
    missing: str, error: type[KubeError]
) -> None:
    @virtual_time
    async def scenario() -> None:
        server = _server()
        server.refusals[missing] = error("no")
        async with _running(server) as mirrored:
            await asyncio.sleep(120)
            assert not mirrored.mirror.is_synced
            del server.refusals[missing]
            await asyncio.sleep(20)
            assert mirrored.mirror.is_synced
            assert mirrored.listener.told("synced") == [None]

    scenario()


@virtual_time
async def test_watch_events_change_the_cache_at_once() -> None:
    async with _running(_server()) as mirrored:
        await asyncio.sleep(1)
        mirrored.watch("MODIFIED", Kind.RECEIVER, "ops", receiver_spec("#b"))
        assert mirrored.cache.receivers[OPS.key].spec.channels == ("#b",)
        mirrored.watch("ADDED", Kind.RECEIVER, "new", receiver_spec("#c"))
        assert mirrored.receivers() == {"ops", "dev", "new"}
        assert mirrored.listener.news[-1] == (1, "changed", OPS._replace(key="monitoring/new"))


@virtual_time
async def test_an_event_that_a_list_has_overtaken_changes_nothing_back() -> None:
    server = _server()
    outdated = server.put(Kind.RECEIVER, "ops", receiver_spec("#old"))
    server.put(Kind.RECEIVER, "ops", receiver_spec("#new"))
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        mirrored.mirror.observe(Kind.RECEIVER, "MODIFIED", outdated)
        assert mirrored.cache.receivers[OPS.key].spec.channels == ("#new",)
        outdated["metadata"]["uid"] = "of one that was deleted and created anew"
        mirrored.mirror.observe(Kind.RECEIVER, "ADDED", outdated)
        assert mirrored.cache.receivers[OPS.key].spec.channels == ("#old",)


@virtual_time
async def test_an_event_during_a_list_is_newer_than_the_list() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        server.list_seconds = 10
        mirrored.mirror.observe(
            Kind.RECEIVER, None, dict(server.objects[Kind.RECEIVER]["monitoring/dev"])
        )
        await asyncio.sleep(5)
        mirrored.watch("MODIFIED", Kind.RECEIVER, "ops", receiver_spec("#b"))
        mirrored.watch("ADDED", Kind.RECEIVER, "new", receiver_spec("#c"))
        await asyncio.sleep(20)
        assert mirrored.cache.receivers[OPS.key].spec.channels == ("#b",)
        assert mirrored.receivers() == {"ops", "dev", "new"}


@virtual_time
async def test_a_deleted_object_is_forgotten_once_its_kind_is_seen_to_exist() -> None:
    async with _running(_server()) as mirrored:
        await asyncio.sleep(1)
        mirrored.delete(Kind.RECEIVER, "ops")
        assert mirrored.receivers() == {"ops", "dev"}
        await asyncio.sleep(0.5)
        assert mirrored.receivers() == {"dev"}
        assert mirrored.listener.told("forgotten") == [OPS]


@virtual_time
async def test_many_deletions_share_few_lists() -> None:
    server = _server()
    for number in range(200):
        server.put(Kind.RECEIVER, f"r{number}", receiver_spec())
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        server.list_seconds = 0.1
        for number in range(200):
            mirrored.delete(Kind.RECEIVER, f"r{number}")
            await asyncio.sleep(0.01)
        await asyncio.sleep(5)
        assert mirrored.receivers() == {"ops", "dev"}
        assert len(mirrored.lists(Kind.RECEIVER)) <= 6  # of 0.1 s each, in 2 s


@virtual_time
async def test_objects_that_vanish_with_their_kind_are_kept() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        server.refusals[Kind.RECEIVER] = KubeNotFound("the CRD is being deleted")
        mirrored.delete(Kind.RECEIVER, "ops")
        mirrored.delete(Kind.RECEIVER, "dev")
        await asyncio.sleep(3600)
        assert mirrored.receivers() == {"ops", "dev"}
        assert mirrored.cache.snapshot().receivers.keys() == {OPS.key, DEV.key}
        assert not mirrored.listener.told("forgotten")


@virtual_time
async def test_objects_behind_withdrawn_rights_are_kept() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        server.refusals[Kind.RECEIVER] = KubeForbidden("no longer")
        await asyncio.sleep(RESYNC_SECONDS * 3)
        assert mirrored.receivers() == {"ops", "dev"}
        del server.refusals[Kind.RECEIVER]
        server.put(Kind.RECEIVER, "new", receiver_spec())
        server.delete(Kind.RECEIVER, "dev")
        await asyncio.sleep(6)
        assert mirrored.receivers() == {"ops", "new"}
        assert mirrored.mirror.rewatch.is_set()


@virtual_time
async def test_a_kind_that_is_back_has_ten_minutes_to_bring_its_objects_back() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        server.refusals[Kind.RECEIVER] = KubeNotFound("the CRD is gone")
        mirrored.delete(Kind.RECEIVER, "ops")
        mirrored.delete(Kind.RECEIVER, "dev")
        await asyncio.sleep(60)
        del server.refusals[Kind.RECEIVER]
        await asyncio.sleep(RESYNC_SECONDS / 2)
        assert mirrored.receivers() == {"ops", "dev"}
        mirrored.watch("ADDED", Kind.RECEIVER, "ops", receiver_spec("#recreated"))
        await asyncio.sleep(RESYNC_SECONDS)
        assert mirrored.receivers() == {"ops"}
        assert mirrored.listener.told("forgotten") == [DEV]


@virtual_time
async def test_a_crd_that_was_deleted_counts_also_if_rights_were_withdrawn_afterwards() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        server.refusals[Kind.RECEIVER] = KubeNotFound("the CRD is gone")
        mirrored.delete(Kind.RECEIVER, "ops")
        mirrored.delete(Kind.RECEIVER, "dev")
        await asyncio.sleep(60)
        server.refusals[Kind.RECEIVER] = KubeForbidden("no longer")
        await asyncio.sleep(60)
        del server.refusals[Kind.RECEIVER]
        await asyncio.sleep(60)
        assert mirrored.receivers() == {"ops", "dev"}


@virtual_time
async def test_an_object_deleted_after_its_kind_came_back_is_forgotten_at_once() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        server.refusals[Kind.RECEIVER] = KubeNotFound("the CRD is gone")
        mirrored.delete(Kind.RECEIVER, "ops")
        await asyncio.sleep(60)
        del server.refusals[Kind.RECEIVER]
        await asyncio.sleep(10)
        mirrored.delete(Kind.RECEIVER, "dev")
        await asyncio.sleep(1)
        assert mirrored.receivers() == {"ops"}


@virtual_time
async def test_an_event_of_a_suspended_kind_has_it_listed_at_once() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        server.refusals[Kind.RECEIVER] = KubeNotFound("the CRD is gone")
        mirrored.delete(Kind.RECEIVER, "ops")
        await asyncio.sleep(61)
        del server.refusals[Kind.RECEIVER]
        count = len(mirrored.lists(Kind.RECEIVER))
        mirrored.watch("ADDED", Kind.RECEIVER, "ops", receiver_spec())
        await asyncio.sleep(0.1)
        assert len(mirrored.lists(Kind.RECEIVER)) == count + 1


@virtual_time
async def test_watches_begin_anew_when_a_kind_is_back() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        server.refusals[Kind.CONFIG] = KubeNotFound("the CRD is gone")
        mirrored.delete(Kind.CONFIG, "acme")
        await asyncio.sleep(60)
        assert not mirrored.mirror.rewatch.is_set()
        del server.refusals[Kind.CONFIG]
        await asyncio.sleep(6)
        assert mirrored.mirror.rewatch.is_set()


@virtual_time
async def test_deletions_that_the_watch_missed_are_found_by_the_next_list() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        server.delete(Kind.RECEIVER, "ops")
        await asyncio.sleep(RESYNC_SECONDS)
        assert mirrored.receivers() == {"dev"}
        assert not mirrored.mirror.rewatch.is_set()


@virtual_time
async def test_a_watch_that_begins_anew_has_its_kind_listed() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(100)
        server.delete(Kind.RECEIVER, "ops")
        for body in list(server.objects[Kind.RECEIVER].values()) * 50:
            mirrored.mirror.observe(Kind.RECEIVER, None, body)
        await asyncio.sleep(3)
        assert mirrored.receivers() == {"dev"}
        assert len(mirrored.lists(Kind.RECEIVER)) == 2
        assert len(mirrored.lists(Kind.CONFIG)) == 1


@virtual_time
async def test_the_watchs_first_list_before_the_sync_asks_for_no_list_of_its_own() -> None:
    server = _server()
    server.list_seconds = 5
    async with _running(server) as mirrored:
        for body in list(server.objects[Kind.RECEIVER].values()):
            mirrored.mirror.observe(Kind.RECEIVER, None, body)
        await asyncio.sleep(60)
        assert len(mirrored.lists(Kind.RECEIVER)) == 1


@virtual_time
async def test_a_change_that_only_a_list_shows_has_watches_begin_anew() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        server.put(Kind.RECEIVER, "ops", receiver_spec("#unseen"))
        await asyncio.sleep(RESYNC_SECONDS + 10)
        assert mirrored.cache.receivers[OPS.key].spec.channels == ("#unseen",)
        assert mirrored.mirror.rewatch.is_set()


@virtual_time
async def test_a_change_of_which_the_watch_tells_late_does_not_restart_it() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        body = server.put(Kind.RECEIVER, "ops", receiver_spec("#late"))
        await asyncio.sleep(RESYNC_SECONDS)
        assert mirrored.cache.receivers[OPS.key].spec.channels == ("#late",)
        mirrored.mirror.observe(Kind.RECEIVER, "MODIFIED", body)
        await asyncio.sleep(10)
        assert not mirrored.mirror.rewatch.is_set()


@virtual_time
async def test_a_malformed_object_harms_no_other() -> None:
    server = _server()
    server.put(Kind.RECEIVER, "bad", {"channels": []})
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        assert mirrored.mirror.is_synced
        assert mirrored.cache.snapshot().receivers.keys() == {OPS.key, DEV.key}
        assert OPS._replace(key="monitoring/bad") in mirrored.listener.told("changed")


@virtual_time
async def test_namespaces_are_listed_anew_for_an_object_in_an_unknown_one() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        server.labels["payments"] = {"slack": "yes"}
        body = server.put(Kind.RECEIVER, "oncall", receiver_spec(), namespace="payments")
        mirrored.mirror.observe(Kind.RECEIVER, "ADDED", body)
        await asyncio.sleep(0.1)
        assert mirrored.cache.namespaces["payments"] == {"slack": "yes"}
        assert mirrored.listener.told("regranted") == [None, None]


@virtual_time
async def test_labels_are_looked_at_each_minute_while_a_config_grants_by_them() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        selector = {"matchLabels": {"slack": "yes"}}
        grant = {"from": "Selector", "selector": selector}
        await asyncio.sleep(RESYNC_SECONDS)
        seldom = len(mirrored.lists("Namespace"))
        mirrored.watch("MODIFIED", Kind.CONFIG, "acme", config_spec(allowedNamespaces=grant))
        await asyncio.sleep(RESYNC_SECONDS)
        before = len(mirrored.lists("Namespace"))
        server.labels["monitoring"] = {"slack": "yes"}
        await asyncio.sleep(GRANTS_SECONDS + 1)
        assert mirrored.cache.namespaces["monitoring"] == {"slack": "yes"}
        assert seldom <= 2
        assert len(mirrored.lists("Namespace")) == before + 1


@virtual_time
async def test_labels_that_may_no_longer_be_read_stay_as_they_were() -> None:
    server = _server()
    async with _running(server) as mirrored:
        await asyncio.sleep(1)
        server.refusals["Namespace"] = KubeForbidden("no longer")
        await asyncio.sleep(RESYNC_SECONDS * 2)
        assert mirrored.cache.namespaces == {"monitoring": {}}
