"""What a bench stands on: a control plane with Tocsin's resources in it, sinks, operators.

Every bench has a rig of its own. Its files lie on the project's disk, because what a sync to disk
costs is part of what is measured; they stay there when a bench fails.
"""

import json
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from sys import executable
from typing import Any, Final, Self

import msgspec

from bench.objects import NAMESPACE
from bench.report import say
from bench.sink import Arrival
from lab.cluster import ControlPlane, ControlPlaneOptions
from lab.operator_process import INGEST_TOKEN, OperatorOptions, OperatorProcess
from lab.operator_process import NAMESPACE as OPERATOR_NAMESPACE
from lab.places import LAB, PROJECT
from lab.process import Child, Command

OPERATOR_CORE: Final = 0
BESIDE_CORE: Final = 1
"""Where the servers that are measured run, and where all else does."""

UNLIMITED: Final[Mapping[str, str]] = {
    "TOCSIN_POSTS_PER_SECOND": "0",
    "TOCSIN_EDITS_PER_MINUTE": "0",
}


class Rig:
    """A running control plane in which `manifests/base` and the bench's namespace exist."""

    def __init__(self, folder: Path, cluster: ControlPlane) -> None:
        self.folder = folder
        self.cluster = cluster

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Apply Kubernetes objects with kubectl."""
        document = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.cluster.kubectl("apply", "--filename=-", input=json.dumps(document))

    def wait_until_ready(self, timeout_seconds: int = 60) -> None:
        """Return once every SlackReceiver is ready; KubectlError where that takes too long."""
        self.cluster.kubectl(
            "wait",
            "slackreceivers",
            "--all",
            f"--namespace={NAMESPACE}",
            "--for=condition=Ready",
            f"--timeout={min(timeout_seconds, 59)}s",
        )

    def operator(
        self,
        name: str,
        slack_urls: Sequence[str],
        settings: Mapping[str, str] | None = None,
        *,
        database_url: str = "",
        core: int | None = None,
        prefix: tuple[str, ...] = (),
    ) -> OperatorProcess:
        """Return an operator, not started yet, that may post to these servers.

        Its platform's namespace is the bench's; its files lie in a folder of that name.
        """
        hosts = ",".join(url.removeprefix("http://").rstrip("/") for url in slack_urls)
        options = OperatorOptions(
            slack_url=slack_urls[0],
            database_url=database_url,
            core=core,
            prefix=prefix,
            settings={
                "TOCSIN_PLATFORM_NAMESPACES": f"{OPERATOR_NAMESPACE},{NAMESPACE}",
                "TOCSIN_ALLOWED_SLACK_HOSTS": hosts,
                "TOCSIN_LOG_LEVEL": "warning",
                **(settings or {}),
            },
        )
        return OperatorProcess(self.folder / name, self.cluster, options)


@contextmanager
def rig(name: str) -> Iterator[Rig]:
    """Start a control plane and apply the manifests; the folder is removed where all went well."""
    LAB.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=LAB))
    say(f"{name}: starting a control plane; logs and databases are in {folder}")
    with ControlPlane(folder / "cluster", ControlPlaneOptions(controller_manager=False)) as cluster:
        cluster.kubectl("apply", "--kustomize", str(PROJECT / "manifests" / "base"))
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        cluster.kubectl("create", "namespace", NAMESPACE)
        yield Rig(folder, cluster)
    shutil.rmtree(folder)


class SinkProcess:
    """A sink that lives as long as its `with` block; see `bench.sink`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = ""

    @property
    def pid(self) -> int:
        """The process's id, to measure it by."""
        return self._child.pid

    def count(self) -> int:
        """Return how many posts and edits have come."""
        return msgspec.json.decode(self._get("count"), type=int)

    def arrivals(self) -> list[Arrival]:
        """Return all that has come, in order."""
        return msgspec.json.decode(self._get("arrivals"), type=list[Arrival])

    def _get(self, what: str) -> bytes:
        with urllib.request.urlopen(f"{self.url}/{what}", timeout=30) as answer:
            content: bytes = answer.read()
        return content

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        ready = self._folder / "sink.url"
        ready.unlink(missing_ok=True)
        arguments: list[str | Path] = [executable, "-m", "bench.sink", f"--ready-file={ready}"]
        self._child = Child(Command(arguments, folder=PROJECT), self._folder / "sink.log")
        self._child.wait_until(ready.exists)
        self.url = ready.read_text().strip()
        return self

    def __exit__(self, *error: object) -> None:
        self._child.stop()


def token() -> str:
    """Return what senders show to the operator."""
    return INGEST_TOKEN
