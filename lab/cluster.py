"""A real Kubernetes control plane on loopback: etcd, API server, controller manager, scheduler.

In: a folder for its data and logs, and ControlPlaneOptions. Out: what `lab.kubectl.Cluster` offers.
Called by the demo, the shared services of a test run, and tests that need one of their own.
"""

import contextlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lab.control_plane_build import control_plane_programs
from lab.kubectl import Cluster, write_kubeconfig
from lab.process import Child, Command, free_port
from lab.readiness import answers
from lab.signing_key import signing_key_pem

_ISSUER = "https://kubernetes.default.svc"
_START_TIMEOUT_SECONDS = 60  # a few are enough, unless the machine is busy


@dataclass(frozen=True, slots=True)
class ControlPlaneOptions:
    """What differs between control planes.

    Without the controller manager there are no namespaces that end, and no default service
    accounts; the scheduler is only for k8s events of its own. `api_server_flags` are added to the
    API server's, such as `--audit-policy-file=...`.
    """

    controller_manager: bool = True
    scheduler: bool = False
    api_server_flags: Sequence[str] = ()


class ControlPlane(Cluster):
    """A control plane that lives as long as its `with` block; entering takes a few seconds.

    The admin's credential is a static token in group system:masters; everybody else is subject to
    RBAC. Data is not synced to disk. The API server ends before etcd: without it, it lingers.
    """

    def __init__(self, folder: Path, options: ControlPlaneOptions | None = None) -> None:
        self._port = free_port()
        super().__init__(folder, url=f"https://127.0.0.1:{self._port}")
        self._options = options or ControlPlaneOptions()
        self._programs = control_plane_programs()
        self._etcd_url = f"http://127.0.0.1:{free_port()}"
        self._admin_token = secrets.token_hex(16)
        self._running = contextlib.ExitStack()
        self._api_server: Child | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as starting:
            self._write_credentials()
            self._start_etcd(starting)
            starting.callback(self.stop_api_server)
            self.start_api_server()
            write_kubeconfig(self.kubeconfig, self, self._admin_token)
            self._start_controllers(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._running.close()

    def start_api_server(self) -> None:
        """Starts the API server, at first or after `stop_api_server`, and waits until it is ready.

        Address, certificate, tokens and all objects stay the same.
        """
        child = self._start("kube-apiserver", self._api_server_flags())
        self._api_server = child
        ready = f"{self.url}/readyz"
        child.wait_until(
            lambda: answers(ready, token=self._admin_token, ca_file=self.ca_file),
            _START_TIMEOUT_SECONDS,
        )

    def stop_api_server(self) -> None:
        """Ends the API server alone and at once, as an outage does; idempotent.

        Asked to end, it would first wait for those that watch it.
        """
        if self._api_server is not None:
            self._api_server.kill()

    def _write_credentials(self) -> None:
        self._signing_key.parent.mkdir(parents=True, exist_ok=True)
        for file, text in (
            (self._signing_key, signing_key_pem()),
            (self._tokens, f"{self._admin_token},admin,admin,system:masters\n"),
        ):
            file.touch(mode=0o600)
            file.write_text(text)

    @property
    def _signing_key(self) -> Path:
        return self.folder / "service-accounts.key"

    @property
    def _tokens(self) -> Path:
        return self.folder / "tokens.csv"

    def _start_etcd(self, stack: contextlib.ExitStack) -> None:
        peer_url = f"http://127.0.0.1:{free_port()}"
        flags = [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={self._etcd_url}",
            f"--advertise-client-urls={self._etcd_url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=default={peer_url}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]
        etcd = stack.enter_context(self._start("etcd", flags))
        etcd.wait_until(lambda: answers(f"{self._etcd_url}/health"), _START_TIMEOUT_SECONDS)

    def _api_server_flags(self) -> list[str]:
        return [
            f"--etcd-servers={self._etcd_url}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--cert-dir={self.ca_file.parent}",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self._tokens}",
            f"--service-account-issuer={_ISSUER}",
            f"--service-account-key-file={self._signing_key}",
            f"--service-account-signing-key-file={self._signing_key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--endpoint-reconciler-type=none",  # it refuses to publish a loopback address
            "--shutdown-delay-duration=0s",
            *self._options.api_server_flags,
        ]

    def _start_controllers(self, stack: contextlib.ExitStack) -> None:
        shared = [
            f"--kubeconfig={self.kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=500",  # the default of 20 makes starting wait for itself
            "--kube-api-burst=1000",
        ]
        if self._options.controller_manager:
            flags = [
                *shared,
                "--use-service-account-credentials",
                f"--service-account-private-key-file={self._signing_key}",
                f"--root-ca-file={self.ca_file}",
            ]
            manager = stack.enter_context(self._start("kube-controller-manager", flags))
            account = f"{self.url}/api/v1/namespaces/default/serviceaccounts/default"
            manager.wait_until(
                lambda: answers(account, token=self._admin_token, ca_file=self.ca_file),
                _START_TIMEOUT_SECONDS,
            )
        if self._options.scheduler:
            stack.enter_context(self._start("kube-scheduler", shared))

    def _start(self, program: str, flags: Sequence[str]) -> Child:
        command = Command([self._programs / program, *flags])
        return Child(command, self.folder / "logs" / f"{program}.log")
