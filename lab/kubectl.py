"""How to reach a running control plane: its addresses, kubectl, and credentials for others.

Held by whoever uses a control plane; `lab.cluster.ControlPlane` adds starting and stopping one.
"""

import subprocess
from pathlib import Path

import yaml

from lab.control_plane_build import control_plane_programs
from lab.errors import KubectlError

_KUBECTL_TIMEOUT_SECONDS = 60
_TOKEN_DURATION = "24h"


class Cluster:
    """A control plane that somebody runs with its files in `folder`.

    `url` is the API server's, `kubeconfig` the admin's, `ca_file` what its certificate is checked
    against (PEM).
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.kubeconfig = folder / "admin.kubeconfig"
        self.ca_file = folder / "certificates" / "apiserver.crt"

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 (named as in subprocess.run)
        kubeconfig: Path | None = None,
    ) -> str:
        """Runs kubectl, as the admin unless `kubeconfig` names somebody else; returns its output.

        `input` is what it reads for `-f -`. KubectlError, with its stderr, where it fails or takes
        longer than a minute.
        """
        command: list[str | Path] = [
            control_plane_programs() / "kubectl",
            f"--kubeconfig={kubeconfig or self.kubeconfig}",
            f"--cache-dir={self.folder / 'kubectl-cache'}",
            *arguments,
        ]
        try:
            done = subprocess.run(
                command,
                input=input or "",
                capture_output=True,
                text=True,
                timeout=_KUBECTL_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            late = f"no answer within {_KUBECTL_TIMEOUT_SECONDS} s"
            raise KubectlError(arguments, late) from error
        if done.returncode != 0:
            raise KubectlError(arguments, done.stderr)
        return done.stdout

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A kubeconfig with a token for an existing ServiceAccount, from the TokenRequest API.

        The token is good for a day. Its default namespace is the account's.
        """
        token = self.kubectl(
            "create", "token", name, f"--namespace={namespace}", f"--duration={_TOKEN_DURATION}"
        )
        file = self.folder / f"{namespace}-{name}.kubeconfig"
        write_kubeconfig(file, self, token.strip(), namespace=namespace)
        return file


def write_kubeconfig(
    file: Path, cluster: Cluster, token: str, *, namespace: str = "default"
) -> None:
    """Writes a kubeconfig that only its owner can read, with one cluster, user and context."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "lab",
                "cluster": {"server": cluster.url, "certificate-authority": str(cluster.ca_file)},
            }
        ],
        "users": [{"name": "lab", "user": {"token": token}}],
        "contexts": [
            {"name": "lab", "context": {"cluster": "lab", "user": "lab", "namespace": namespace}}
        ],
        "current-context": "lab",
    }
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(document, sort_keys=False))
