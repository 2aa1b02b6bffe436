"""The control plane is a real one: it stores, refuses, issues tokens, and survives outages."""

import json
import os
from pathlib import Path

import pytest

from lab.cluster import ControlPlane, ControlPlaneOptions
from lab.errors import KubectlError
from lab.kubectl import Cluster
from lab.readiness import wait_until
from tests.lab.observing import LOOPBACK, children, listening_addresses

CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: colours}
data: {sky: blue}
"""

READER = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader}]
"""

QUOTA = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: none}
spec: {hard: {pods: "0"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: refused}
spec:
  selector: {matchLabels: {app: refused}}
  template:
    metadata: {labels: {app: refused}}
    spec: {containers: [{name: main, image: none}]}
"""

AUDIT_POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
rules: [{level: Metadata}]
"""


def test_an_applied_object_is_stored(control_plane: Cluster, namespace: str) -> None:
    told = control_plane.kubectl("apply", "-n", namespace, "-f", "-", input=CONFIG_MAP)
    assert told == "configmap/colours created\n"
    stored = control_plane.kubectl("get", "configmap", "colours", "-n", namespace, "-o", "json")
    assert json.loads(stored)["data"] == {"sky": "blue"}


def test_what_kubectl_refuses_is_an_error_with_its_words(
    control_plane: Cluster, namespace: str
) -> None:
    with pytest.raises(KubectlError) as refused:
        control_plane.kubectl("get", "configmap", "absent", "-n", namespace)
    assert 'configmaps "absent" not found' in refused.value.stderr
    assert str(refused.value).startswith("kubectl get configmap absent")


def test_a_service_account_may_do_what_a_role_grants_and_nothing_else(
    control_plane: Cluster, namespace: str
) -> None:
    control_plane.kubectl("create", "serviceaccount", "reader", "-n", namespace)
    control_plane.kubectl("apply", "-n", namespace, "-f", "-", input=CONFIG_MAP)
    kubeconfig = control_plane.service_account_kubeconfig(namespace, "reader")
    assert kubeconfig.stat().st_mode & 0o077 == 0
    with pytest.raises(KubectlError, match=f"{namespace}:reader.*cannot get resource"):
        control_plane.kubectl("get", "configmap", "colours", kubeconfig=kubeconfig)
    control_plane.kubectl("apply", "-n", namespace, "-f", "-", input=READER)
    wait_until(lambda: may_read(control_plane, kubeconfig), "the role to be in force")
    with pytest.raises(KubectlError, match="cannot delete resource"):
        control_plane.kubectl("delete", "configmap", "colours", kubeconfig=kubeconfig)


def may_read(cluster: Cluster, kubeconfig: Path) -> bool:
    try:
        return "colours" in cluster.kubectl("get", "configmap", "colours", kubeconfig=kubeconfig)
    except KubectlError:
        return False


def test_controllers_run_and_make_k8s_events(control_plane: Cluster, namespace: str) -> None:
    control_plane.kubectl("apply", "-n", namespace, "-f", "-", input=QUOTA)
    wait_until(
        lambda: "FailedCreate" in control_plane.kubectl("get", "events", "-n", namespace),
        "an event about pods that the quota forbids",
    )


def test_an_api_server_outage_keeps_objects_and_credentials(tmp_path: Path) -> None:
    policy = tmp_path / "audit-policy.yaml"
    policy.write_text(AUDIT_POLICY)
    audit_log = tmp_path / "audit.log"
    flags = (f"--audit-policy-file={policy}", f"--audit-log-path={audit_log}")
    options = ControlPlaneOptions(scheduler=True, api_server_flags=flags)
    before = children(os.getpid())
    with ControlPlane(tmp_path / "plane", options) as own:
        assert listening_addresses(children(os.getpid()) - before) == {LOOPBACK}
        own.kubectl("apply", "-f", "-", input=CONFIG_MAP)
        kubeconfig = own.service_account_kubeconfig("default", "default")
        own.stop_api_server()
        with pytest.raises(KubectlError, match="refused"):
            own.kubectl("get", "configmap", "colours")
        own.start_api_server()
        assert "colours" in own.kubectl("get", "configmap", "colours")
        assert "system:serviceaccount:default:default" in own.kubectl(
            "auth", "whoami", kubeconfig=kubeconfig
        )
    assert '"kind":"Event"' in audit_log.read_text()
    assert children(os.getpid()) == before
