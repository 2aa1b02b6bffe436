"""The resource cache."""

from typing import Any

from tests.unit.pipeline.api_server import ApiServer, config_spec, receiver_spec
from tocsin.model.object_key import Kind, ObjectKey
from tocsin.pipeline.resource_cache import ResourceCache

ACME = ObjectKey(Kind.CONFIG, "monitoring/acme")
OPS = ObjectKey(Kind.RECEIVER, "monitoring/ops")


def _with(*bodies: tuple[Kind, dict[str, Any]]) -> ResourceCache:
    cache = ResourceCache()
    for kind, body in bodies:
        cache.put(kind, body)
    return cache


def test_valid_objects_are_in_the_snapshot() -> None:
    server = ApiServer()
    cache = _with(
        (Kind.CONFIG, server.put(Kind.CONFIG, "acme", config_spec())),
        (Kind.RECEIVER, server.put(Kind.RECEIVER, "ops", receiver_spec("#a"))),
    )
    cache.put_namespaces({"monitoring": {"team": "a"}})
    snapshot = cache.snapshot()
    assert snapshot.configs.keys() == {"monitoring/acme"}
    assert snapshot.receivers["monitoring/ops"].spec.channels == ("#a",)
    assert snapshot.namespaces == {"monitoring": {"team": "a"}}
    assert not snapshot.stale


def test_a_snapshot_does_not_change_with_the_cache() -> None:
    server = ApiServer()
    cache = _with((Kind.RECEIVER, server.put(Kind.RECEIVER, "ops", receiver_spec("#a"))))
    snapshot = cache.snapshot()
    cache.put(Kind.RECEIVER, server.put(Kind.RECEIVER, "ops", receiver_spec("#b")))
    cache.put(Kind.RECEIVER, server.put(Kind.RECEIVER, "late", receiver_spec()))
    cache.put_namespaces({"monitoring": {}})
    assert snapshot.receivers.keys() == {"monitoring/ops"}
    assert snapshot.receivers["monitoring/ops"].spec.channels == ("#a",)
    assert snapshot.namespaces == {}


def test_a_malformed_object_is_known_by_its_flaw_and_in_no_snapshot() -> None:
    server = ApiServer()
    cache = _with(
        (Kind.RECEIVER, server.put(Kind.RECEIVER, "ops", receiver_spec("#a"))),
        (Kind.RECEIVER, server.put(Kind.RECEIVER, "good", receiver_spec("#a"))),
    )
    assert cache.put(Kind.RECEIVER, server.put(Kind.RECEIVER, "ops", receiver_spec("#a", "a")))
    assert cache.snapshot().receivers.keys() == {"monitoring/good"}
    assert cache.users_of("monitoring/acme") == {"monitoring/good"}
    observed = cache.get(OPS)
    assert observed is not None
    assert observed.flaw is not None
    assert observed.flaw.field == "spec.channels"
    assert observed.generation == 2
    assert cache.put(Kind.RECEIVER, server.put(Kind.RECEIVER, "ops", receiver_spec("#a")))
    assert cache.snapshot().receivers.keys() == {"monitoring/good", "monitoring/ops"}


def test_a_malformed_config_is_in_no_snapshot() -> None:
    server = ApiServer()
    cache = _with((Kind.CONFIG, server.put(Kind.CONFIG, "acme", config_spec())))
    assert cache.put(Kind.CONFIG, server.put(Kind.CONFIG, "acme", {}))
    assert cache.configs == {}
    assert cache.get(ACME) is not None


def test_only_what_differs_is_news() -> None:
    server = ApiServer()
    body = server.put(Kind.CONFIG, "acme", config_spec())
    cache = ResourceCache()
    assert cache.put(Kind.CONFIG, body)
    assert not cache.put(Kind.CONFIG, body)
    written = {**body, "metadata": {**body["metadata"], "resourceVersion": "99"}}
    assert not cache.put(Kind.CONFIG, {**written, "status": {"receivers": 1}})
    recreated = {**body, "metadata": {**body["metadata"], "uid": "other"}}
    assert cache.put(Kind.CONFIG, recreated)
    assert cache.put(Kind.CONFIG, server.put(Kind.CONFIG, "acme", config_spec(username="x")))


def test_the_same_flaw_of_the_same_generation_is_no_news() -> None:
    server = ApiServer()
    body = server.put(Kind.CONFIG, "acme", {})
    cache = _with((Kind.CONFIG, body))
    again = {**body, "metadata": {**body["metadata"], "resourceVersion": "99"}}
    assert not cache.put(Kind.CONFIG, again)


def test_what_is_seen_later_has_a_greater_sequence_even_if_it_is_no_news() -> None:
    server = ApiServer()
    body = server.put(Kind.CONFIG, "acme", config_spec())
    cache = _with((Kind.CONFIG, body))
    before = cache.sequence
    cache.put(Kind.CONFIG, body)
    observed = cache.get(ACME)
    assert observed is not None
    assert observed.sequence == cache.sequence > before


def test_users_of_a_config_follow_the_receivers_references() -> None:
    server = ApiServer()
    cache = _with(
        (Kind.RECEIVER, server.put(Kind.RECEIVER, "ops", receiver_spec())),
        (Kind.RECEIVER, server.put(Kind.RECEIVER, "dev", receiver_spec())),
    )
    assert cache.users_of("monitoring/acme") == {"monitoring/ops", "monitoring/dev"}
    elsewhere = {"name": "acme", "namespace": "shared"}
    moved = server.put(Kind.RECEIVER, "ops", receiver_spec(configRef=elsewhere))
    cache.put(Kind.RECEIVER, moved)
    assert cache.users_of("monitoring/acme") == {"monitoring/dev"}
    assert cache.users_of("shared/acme") == {"monitoring/ops"}
    cache.remove(OPS)
    assert not cache.users_of("shared/acme")


def test_a_removed_object_is_forgotten_and_removing_it_again_does_nothing() -> None:
    server = ApiServer()
    cache = _with((Kind.CONFIG, server.put(Kind.CONFIG, "acme", config_spec())))
    cache.remove(ACME)
    cache.remove(ACME)
    assert cache.get(ACME) is None
    assert not cache.keys(Kind.CONFIG)
    assert cache.snapshot().configs == {}


def test_namespaces_are_news_only_if_labels_differ() -> None:
    cache = ResourceCache()
    assert cache.put_namespaces({"a": {"x": "1"}})
    assert not cache.put_namespaces({"a": {"x": "1"}})
    assert cache.put_namespaces({"a": {"x": "2"}})
    assert cache.namespaces == {"a": {"x": "2"}}
