"""What is shipped, applied to a real API server; and what the operator may do with it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.errors import KubectlError
from lab.kubectl import Cluster
from lab.places import PROJECT
from lab.readiness import wait_until
from tocsin.model.resources import parse_config, parse_receiver
from tocsin.settings import Settings

_MANIFESTS = PROJECT / "manifests"
_EXAMPLES = sorted((_MANIFESTS / "examples").glob("*.yaml"))
_OPERATOR = "system:serviceaccount:tocsin-system:tocsin"
_PARSERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "SlackConfig": parse_config,
    "SlackReceiver": parse_receiver,
}


def _documents(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(file.read_text("utf-8")))


@pytest.fixture(scope="module")
def kube(control_plane: Cluster) -> Cluster:
    """The control plane, with all that is shipped applied to it."""
    for flags in (["-f", str(PROJECT / "lab" / "crds")], ["-k", str(_MANIFESTS / "base")]):
        control_plane.kubectl("apply", "--server-side", *flags)
    names = (
        "slackconfigs.tocsin.dev",
        "slackreceivers.tocsin.dev",
        "prometheusrules.monitoring.coreos.com",
    )
    control_plane.kubectl("wait", "--for=condition=Established", *(f"crd/{each}" for each in names))
    return control_plane


def _may(kube: Cluster, who: str, verb: str, resource: str, *flags: str) -> bool:
    try:
        kube.kubectl("auth", "can-i", verb, resource, f"--as={who}", *flags)
    except KubectlError:
        return False
    return True


def _granted(kube: Cluster, who: str) -> set[tuple[str, str, str]]:
    """Everything RBAC grants to `who` in any namespace: (group, resource, verb)."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": "default"},
    }
    text = kube.kubectl(
        "create", f"--as={who}", "--validate=false", "-ojson", "-f-", input=json.dumps(review)
    )
    return {
        (group, resource, verb)
        for rule in json.loads(text)["status"]["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_operator_may_do_what_it_needs_and_nothing_else(kube: Cluster) -> None:
    everybody = _granted(kube, "system:serviceaccount:default:nobody")
    kinds = ("slackconfigs", "slackreceivers")
    assert _granted(kube, _OPERATOR) - everybody == {
        *(("tocsin.dev", kind, verb) for kind in kinds for verb in ("get", "list", "watch")),
        *(("tocsin.dev", f"{kind}/status", verb) for kind in kinds for verb in ("get", "patch")),
        *(
            (group, resource, verb)
            for group, resource in (
                ("apiextensions.k8s.io", "customresourcedefinitions"),
                ("", "namespaces"),
                ("monitoring.coreos.com", "prometheusrules"),
            )
            for verb in ("list", "watch")
        ),
        ("", "secrets", "get"),
        ("", "configmaps", "get"),
        ("events.k8s.io", "events", "create"),
        ("events.k8s.io", "events", "patch"),
    }


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("list", "secrets"),
        ("watch", "secrets"),
        ("list", "configmaps"),
        ("patch", "slackreceivers"),
        ("update", "slackconfigs"),
        ("create", "pods"),
    ],
)
def test_operator_is_refused(kube: Cluster, verb: str, resource: str) -> None:
    assert not _may(kube, _OPERATOR, verb, resource)


def test_operator_reads_a_secret_by_its_name_with_its_own_token(
    kube: Cluster, namespace: str
) -> None:
    where = f"--namespace={namespace}"
    kube.kubectl("create", "secret", "generic", "slack-token", where, "--from-literal=token=none")
    own = kube.service_account_kubeconfig("tocsin-system", "tocsin")
    assert "slack-token" in kube.kubectl("get", "secret/slack-token", where, kubeconfig=own)
    with pytest.raises(KubectlError, match="cannot list resource"):
        kube.kubectl("get", "secrets", where, kubeconfig=own)


@pytest.mark.parametrize(
    ("role", "allowed", "refused"),
    [
        ("view", ["get", "list", "watch"], ["create", "delete"]),
        ("edit", ["get", "list", "watch", "create", "update", "patch", "delete"], []),
        ("admin", ["get", "list", "watch", "create", "update", "patch", "delete"], []),
    ],
)
def test_users_of_a_namespace_get_the_resources_with_their_usual_role(
    kube: Cluster, namespace: str, role: str, allowed: list[str], refused: list[str]
) -> None:
    where = f"--namespace={namespace}"
    kube.kubectl("create", "rolebinding", "ann", where, f"--clusterrole={role}", "--user=ann")
    # The controller manager merges the roles a moment after they appear.
    wait_until(
        lambda: _may(kube, "ann", allowed[-1], "slackreceivers", where), f"role {role} merged"
    )
    assert all(_may(kube, "ann", verb, "slackconfigs", where) for verb in allowed)
    assert not any(_may(kube, "ann", verb, "slackconfigs", where) for verb in refused)
    assert not _may(kube, "ann", "patch", "slackreceivers", where, "--subresource=status")


def test_the_pod_is_admitted_where_pods_are_restricted(kube: Cluster) -> None:
    where = "--namespace=tocsin-system"
    kube.kubectl("wait", "--for=create", "pod/tocsin-0", where, "--timeout=30s")
    pod = json.loads(kube.kubectl("get", "pod/tocsin-0", where, "-ojson"))
    claim = json.loads(kube.kubectl("get", "pvc/data-tocsin-0", where, "-ojson"))
    enforced = kube.kubectl("get", "namespace/tocsin-system", "-ojson")
    assert json.loads(enforced)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == (
        "restricted"
    )
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]
    (container,) = pod["spec"]["containers"]
    assert container["command"] == ["tocsin", "run"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["spec"]["serviceAccountName"] == "tocsin"


def test_the_pod_finds_its_settings_and_files_where_the_operator_looks(kube: Cluster) -> None:
    stateful_set = json.loads(
        kube.kubectl("get", "statefulset/tocsin", "--namespace=tocsin-system", "-ojson")
    )
    (container,) = stateful_set["spec"]["template"]["spec"]["containers"]
    known = {f"TOCSIN_{name.upper()}" for name in Settings.model_fields}
    text = (_MANIFESTS / "base" / "settings.env").read_text("utf-8")
    shipped = re.findall(r"^(\w+)=", text, re.MULTILINE)
    assert shipped
    assert {*shipped, *(each["name"] for each in container["env"])} <= known

    (settings,) = (each["configMapRef"]["name"] for each in container["envFrom"])
    kube.kubectl("get", f"configmap/{settings}", "--namespace=tocsin-system")

    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    fields = Settings.model_fields
    assert mounts["data"] in fields["database_url"].default
    assert str(fields["ingest_token_file"].default.parent) == mounts["ingest"]
    (port,) = container["ports"]
    assert port["containerPort"] == fields["listen_port"].default


@pytest.mark.parametrize("file", _EXAMPLES, ids=lambda file: file.stem)
def test_example_is_taken_by_the_server_and_understood(
    kube: Cluster, namespace: str, file: Path
) -> None:
    documents = _documents(file)
    placed = any("namespace" in each["metadata"] for each in documents)
    where = [] if placed else [f"--namespace={namespace}"]
    kube.kubectl("apply", *where, "-f", str(file))
    try:
        applied = json.loads(kube.kubectl("get", *where, "-ojson", "-f", str(file)))
    finally:
        kube.kubectl("delete", *where, "--wait=false", "-f", str(file))
    bodies = applied.get("items", [applied])
    assert len(bodies) == len(documents)
    for body in bodies:
        if body["kind"] in _PARSERS:
            _PARSERS[body["kind"]](body)


def test_a_prometheus_rule_that_the_operator_of_prometheus_would_refuse_is_refused(
    kube: Cluster, namespace: str
) -> None:
    (rule,) = _documents(_MANIFESTS / "examples" / "prometheus-rule.yaml")
    rule["spec"]["groups"][0]["rules"][0]["for"] = "soon"
    with pytest.raises(KubectlError, match=r"rules\[0\].for"):
        kube.kubectl("apply", f"--namespace={namespace}", "-f-", input=json.dumps(rule))


def test_argo_cd_learns_of_both_kinds_and_keeps_its_own_settings(kube: Cluster) -> None:
    kube.kubectl("create", "namespace", "argocd")
    try:
        kube.kubectl(
            "create", "configmap", "argocd-cm", "--namespace=argocd", "--from-literal=url=kept"
        )
        folder = str(_MANIFESTS / "argocd")
        kube.kubectl("apply", "--server-side", "--field-manager=tocsin", "-k", folder)
        data = json.loads(
            kube.kubectl("get", "configmap/argocd-cm", "--namespace=argocd", "-ojson")
        )["data"]
    finally:
        kube.kubectl("delete", "namespace", "argocd", "--wait=false")
    script = (_MANIFESTS / "argocd" / "health.lua").read_text("utf-8")
    assert data == {
        "url": "kept",
        "resource.customizations.health.tocsin.dev_SlackConfig": script,
        "resource.customizations.health.tocsin.dev_SlackReceiver": script,
    }
