"""The operator as a process of its own, as it runs in a cluster: under its ServiceAccount, never as
admin.

Started by the demo, end-to-end tests, fault runs and benches.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from lab.kubectl import Cluster
from lab.places import PROJECT
from lab.process import Child, Command, free_port
from lab.readiness import answers

NAMESPACE = "tocsin-system"
SERVICE_ACCOUNT = "tocsin"
INGEST_TOKEN = "lab-ingest-token"


@dataclass(frozen=True, slots=True)
class OperatorOptions:
    """How to run it.

    `slack_url` is the stand-in's base URL, which SlackConfigs are then allowed to name;
    `database_url` defaults to SQLite in the operator's folder; `core` is the one CPU to run on;
    `settings` are further environment variables, such as `TOCSIN_CLUSTER`.
    """

    slack_url: str
    database_url: str = ""
    core: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()


class OperatorProcess:
    """The operator, for as long as its `with` block or from `start` to `stop` and `kill`.

    `cluster` must hold `manifests/base`. Files and log lie in `folder` and outlive restarts.
    """

    def __init__(self, folder: Path, cluster: Cluster, options: OperatorOptions) -> None:
        self.folder = folder
        self._cluster = cluster
        self._options = options
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.token_file = folder / "ingest-token"
        self.database = folder / "tocsin.db"
        self.log_file = folder / "operator.log"
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """The process's id; only while it runs."""
        assert self._child is not None, "the operator was not started"
        return self._child.pid

    @property
    def exit_status(self) -> int | None:
        """What it last ended with; None while it runs, and before it was started."""
        return None if self._child is None else self._child.exit_status

    def start(self) -> None:
        """Start it, at first or after it ended, and wait until it can store."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.token_file.write_text(INGEST_TOKEN)
        kubeconfig = self._cluster.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT)
        environment = {
            "TOCSIN_DATABASE_URL": self._options.database_url or f"sqlite:///{self.database}",
            "TOCSIN_LISTEN_HOST": "127.0.0.1",
            "TOCSIN_LISTEN_PORT": str(self._port),
            "TOCSIN_NAMESPACE": NAMESPACE,
            "TOCSIN_KUBECONFIG": str(kubeconfig),
            "TOCSIN_INGEST_TOKEN_FILE": str(self.token_file),
            "TOCSIN_ALLOWED_SLACK_HOSTS": urlsplit(self._options.slack_url).netloc,
            "PYTHONPATH": str(PROJECT / "operator"),
            **self._options.settings,
        }
        arguments = [*self._options.prefix, sys.executable, "-m", "tocsin", "run"]
        command = Command(arguments, environment, core=self._options.core, folder=self.folder)
        self._child = Child(command, self.log_file)
        self._child.wait_until(lambda: answers(f"{self.url}/readyz"))

    def stop(self) -> None:
        """End it gracefully; idempotent."""
        if self._child is not None:
            self._child.stop(grace_seconds=30)

    def kill(self) -> None:
        """`kill -9`; idempotent."""
        if self._child is not None:
            self._child.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
