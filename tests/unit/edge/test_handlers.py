"""Kopf's handlers and its credentials."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml

from tocsin.edge.handlers import connection_info, register
from tocsin.errors import KubeUnavailable
from tocsin.model.object_key import Kind

Seen = list[tuple[Kind, str | None, Mapping[str, Any]]]


def _kubeconfig(file: Path, user: dict[str, Any], **cluster: Any) -> Path:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:6443", **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    file.write_text(yaml.safe_dump(document))
    return file


def _registered(seen: Seen) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()
    register(registry, lambda *event: seen.append(event), None)
    return registry


def test_watch_events_are_all_that_kopf_is_asked_for() -> None:
    registry = _registered([])
    # There is no public way to ask a registry what is in it.
    assert {str(each.selector) for each in registry._watching.get_all_handlers()} == {
        f"Selector(group='tocsin.dev', version='v1alpha1', any_name='{plural}')"
        for plural in ("slackconfigs", "slackreceivers")
    }
    for others in (registry._changing, registry._spawning, registry._indexing, registry._webhooks):
        assert not others.get_all_handlers()


@pytest.mark.parametrize("change", ["ADDED", "MODIFIED", "DELETED", None])
async def test_each_watch_event_is_handed_on_and_nothing_is_returned(change: str | None) -> None:
    seen: Seen = []
    body = {"metadata": {"name": "ops", "namespace": "monitoring"}}
    for handler in _registered(seen)._watching.get_all_handlers():
        handle: Any = handler.fn
        assert await handle(event={"type": change, "object": body}) is None
    assert sorted(seen, key=lambda event: event[0]) == [
        (Kind.CONFIG, change, body),
        (Kind.RECEIVER, change, body),
    ]


async def test_a_token_becomes_kopfs_credential(tmp_path: Path) -> None:
    info = await connection_info(_kubeconfig(tmp_path / "k", {"token": "made-up"}))
    assert info.server == "https://127.0.0.1:6443"
    assert info.as_http_headers() == {"Authorization": "Bearer made-up"}
    assert not info.insecure
    assert info.trust_env


async def test_a_token_file_is_read_anew_at_each_login(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    kubeconfig = _kubeconfig(tmp_path / "k", {"tokenFile": str(token)})
    assert (await connection_info(kubeconfig)).token == "first"
    token.write_text("second")
    assert (await connection_info(kubeconfig)).token == "second"


async def test_a_client_certificate_and_an_authority_become_kopfs_credential(
    tmp_path: Path,
) -> None:
    certificate = base64.b64encode(b"a certificate").decode()
    key = base64.b64encode(b"a key").decode()
    authority = base64.b64encode(b"an authority").decode()
    kubeconfig = _kubeconfig(
        tmp_path / "k",
        {"client-certificate-data": certificate, "client-key-data": key},
        **{"certificate-authority-data": authority},
    )
    info = await connection_info(kubeconfig)
    assert _read(info.certificate_path) == b"a certificate"
    assert _read(info.private_key_path) == b"a key"
    assert _read(info.ca_path) == b"an authority"
    assert info.as_http_headers() == {}


def _read(path: Any) -> bytes:
    return Path(path).read_bytes()


async def test_a_name_and_password_become_kopfs_credential(tmp_path: Path) -> None:
    kubeconfig = _kubeconfig(tmp_path / "k", {"username": "me", "password": "made-up"})
    info = await connection_info(kubeconfig)
    encoded = base64.b64encode(b"me:made-up").decode()
    assert info.as_http_headers() == {"Authorization": f"Basic {encoded}"}


async def test_an_unverified_server_and_a_proxy_are_taken_from_the_kubeconfig(
    tmp_path: Path,
) -> None:
    kubeconfig = _kubeconfig(
        tmp_path / "k",
        {"token": "made-up"},
        **{"insecure-skip-tls-verify": True, "proxy-url": "http://proxy:3128"},
    )
    info = await connection_info(kubeconfig)
    assert info.insecure
    assert info.proxy_url == "http://proxy:3128"


async def test_without_credentials_the_login_fails_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(KubeUnavailable, match="no access to the API server"):
        await connection_info(tmp_path / "absent")
