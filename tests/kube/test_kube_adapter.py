"""The API adapter against a real API server, as a ServiceAccount under RBAC."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.kubectl import Cluster
from lab.places import PROJECT
from tocsin.adapters import kube
from tocsin.adapters.kube import KubeApi
from tocsin.errors import KubeForbidden, KubeNotFound, KubeUnavailable
from tocsin.model.object_key import Kind

_RULES = [
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": ["get"]},
    {"apiGroups": ["tocsin.dev"], "resources": ["slackconfigs"], "verbs": ["list"]},
    {"apiGroups": ["tocsin.dev"], "resources": ["slackconfigs/status"], "verbs": ["patch"]},
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]},
    {
        "apiGroups": ["apiextensions.k8s.io"],
        "resources": ["customresourcedefinitions"],
        "verbs": ["list"],
    },
]


def _config(name: str, namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "tocsin.dev/v1alpha1",
        "kind": "SlackConfig",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"tokenSecretRef": {"name": "slack-token"}},
    }


def _apply(cluster: Cluster, *objects: dict[str, Any]) -> None:
    cluster.kubectl("apply", "-f-", input=yaml.safe_dump_all(objects))


def _get(cluster: Cluster, namespace: str, *what: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        cluster.kubectl("get", *what, f"--namespace={namespace}", "-ojson")
    )
    return found


@pytest.fixture(scope="module")
def cluster(control_plane: Cluster) -> Cluster:
    """The run's control plane with the CRDs in force."""
    control_plane.kubectl("apply", "--server-side", "-k", str(PROJECT / "crds"))
    crds = [f"crd/{kind.plural}.tocsin.dev" for kind in Kind]
    control_plane.kubectl("wait", "--for=condition=Established", *crds)
    return control_plane


@pytest.fixture
def kubeconfig(cluster: Cluster, namespace: str) -> Path:
    """Credentials of a ServiceAccount that may do what the adapter does, and nothing more."""
    account = {"kind": "ServiceAccount", "name": "adapter", "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": namespace}
    rbac = "rbac.authorization.k8s.io/v1"
    _apply(
        cluster,
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "adapter", "namespace": namespace},
        },
        {
            "apiVersion": rbac,
            "kind": "ClusterRole",
            "metadata": {"name": namespace},
            "rules": _RULES,
        },
        {
            "apiVersion": rbac,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": namespace},
            "roleRef": role,
            "subjects": [account],
        },
    )
    return cluster.service_account_kubeconfig(namespace, "adapter")


@pytest.fixture
def credentials(kubeconfig: Path) -> dict[str, Any]:
    """What the kubeconfig holds."""
    document: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())
    return document


@pytest.fixture
async def api(kubeconfig: Path) -> AsyncIterator[KubeApi]:
    adapter = KubeApi(kubeconfig)
    yield adapter
    await adapter.close()


async def test_lists_are_whole_however_many_pages_they_take(
    api: KubeApi, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube, "_PAGE", 2)
    _apply(cluster, *(_config(f"c{number}", namespace) for number in range(5)))
    found = [body["metadata"] for body in await api.list_configs()]
    assert {each["name"] for each in found if each["namespace"] == namespace} == {
        "c0",
        "c1",
        "c2",
        "c3",
        "c4",
    }


async def test_a_kind_that_may_not_be_listed_is_forbidden(api: KubeApi) -> None:
    with pytest.raises(KubeForbidden, match="cannot list resource"):
        await api.list_receivers()


async def test_namespaces_come_with_their_labels(
    api: KubeApi, cluster: Cluster, namespace: str
) -> None:
    cluster.kubectl("label", "namespace", namespace, "team=payments")
    labels = await api.namespace_labels()
    assert labels[namespace]["team"] == "payments"
    assert "kube-system" in labels


async def test_a_secret_is_read_by_name_and_key(
    api: KubeApi, cluster: Cluster, namespace: str
) -> None:
    _apply(
        cluster,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "slack-token", "namespace": namespace},
            "data": {"token": base64.b64encode(b"xoxb-made-up\n").decode()},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "empty", "namespace": namespace},
        },
    )
    assert await api.secret_value(namespace, "slack-token", "token") == b"xoxb-made-up\n"
    assert await api.secret_value(namespace, "slack-token", "url") is None
    assert await api.secret_value(namespace, "empty", "token") is None
    with pytest.raises(KubeNotFound, match='secrets "absent" not found'):
        await api.secret_value(namespace, "absent", "token")


async def test_a_config_map_is_read_by_name_and_key(
    api: KubeApi, cluster: Cluster, namespace: str
) -> None:
    _apply(
        cluster,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "ca", "namespace": namespace},
            "data": {"ca.crt": "ümläut"},
            "binaryData": {"der": base64.b64encode(b"\xff\x00").decode()},
        },
    )
    assert await api.config_map_value(namespace, "ca", "ca.crt") == "ümläut".encode()
    assert await api.config_map_value(namespace, "ca", "der") == b"\xff\x00"
    assert await api.config_map_value(namespace, "ca", "other") is None
    with pytest.raises(KubeNotFound):
        await api.config_map_value(namespace, "absent", "ca.crt")


async def test_status_patches_merge_and_null_removes(
    api: KubeApi, cluster: Cluster, namespace: str
) -> None:
    _apply(cluster, _config("acme", namespace))
    team = {"id": "T1", "name": "Acme"}
    await api.patch_status("SlackConfig", namespace, "acme", {"team": team, "receivers": 3})
    await api.patch_status("SlackConfig", namespace, "acme", {"receivers": None, "scopes": ["a"]})
    found = _get(cluster, namespace, "slackconfig", "acme", "--show-managed-fields")
    assert found["status"] == {"observedGeneration": -1, "team": team, "scopes": ["a"]}
    managers = {
        entry["manager"]
        for entry in found["metadata"]["managedFields"]
        if entry.get("subresource") == "status"
    }
    assert managers == {kube.FIELD_MANAGER}


async def test_the_status_of_an_absent_object_is_not_found(api: KubeApi, namespace: str) -> None:
    with pytest.raises(KubeNotFound):
        await api.patch_status("SlackConfig", namespace, "absent", {"receivers": 1})


async def test_a_status_that_the_schema_refuses_is_an_error_in_the_servers_words(
    api: KubeApi, cluster: Cluster, namespace: str
) -> None:
    _apply(cluster, _config("acme", namespace))
    with pytest.raises(KubeUnavailable, match=r"422: .*status\.receivers"):
        await api.patch_status("SlackConfig", namespace, "acme", {"receivers": -1})


async def test_k8s_events_are_shown_with_the_object_cut_and_without_tokens(
    api: KubeApi, cluster: Cluster, namespace: str
) -> None:
    _apply(cluster, _config("acme", namespace))
    body = _get(cluster, namespace, "slackconfig", "acme")
    note = "token xoxb-123-secret: " + "é" * 2000
    await api.publish(body, "TokenRejected", note, warn=True)
    (event,) = _get(cluster, namespace, "events.events.k8s.io")["items"]
    assert event["note"].startswith("token [redacted]: é")
    assert 1000 < len(event["note"].encode()) <= 1024
    assert (event["type"], event["reason"]) == ("Warning", "TokenRejected")
    assert event["reportingController"] == "tocsin.dev/operator"
    assert event["regarding"]["uid"] == body["metadata"]["uid"]
    assert "TokenRejected" in cluster.kubectl(
        "describe", "slackconfig", "acme", f"--namespace={namespace}"
    )


def _write(file: Path, document: dict[str, Any]) -> Path:
    file.write_text(yaml.safe_dump(document))
    return file


async def test_a_server_that_is_away_is_unavailable(
    credentials: dict[str, Any], tmp_path: Path, unused_tcp_port: int
) -> None:
    credentials["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{unused_tcp_port}"
    api = KubeApi(_write(tmp_path / "kubeconfig", credentials))
    with pytest.raises(KubeUnavailable, match="GET /api/v1/namespaces: Cannot connect"):
        await api.namespace_labels()
    await api.close()


async def test_credentials_are_read_anew_after_the_server_refused_them(
    credentials: dict[str, Any], tmp_path: Path
) -> None:
    outdated = {"users": [{"name": "lab", "user": {"token": "outdated"}}]}
    file = _write(tmp_path / "kubeconfig", credentials | outdated)
    api = KubeApi(file)
    with pytest.raises(KubeUnavailable, match="401"):
        await api.namespace_labels()
    _write(file, credentials)
    assert await api.namespace_labels()
    await api.close()


async def test_without_a_service_account_the_error_names_the_setting() -> None:
    with pytest.raises(KubeUnavailable, match="TOCSIN_KUBECONFIG"):
        await KubeApi().namespace_labels()


async def test_a_kubeconfig_that_is_absent_or_malformed_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubeUnavailable, match=str(tmp_path / "absent")):
        await KubeApi(tmp_path / "absent").namespace_labels()
    broken = tmp_path / "broken"
    broken.write_text("]")
    with pytest.raises(KubeUnavailable, match=str(broken)):
        await KubeApi(broken).namespace_labels()
