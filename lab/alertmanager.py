"""A real Alertmanager on loopback, to send from, and to be measured against.

In: its configuration. Out: a running server with its URL. Used by the demo, the tests and benches.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml

from lab import tools
from lab.process import Child, Command, free_port
from lab.readiness import answers


class Alertmanager:
    """An Alertmanager that lives as long as its `with` block, its files and log in `folder`.

    `configuration` is the content of its alertmanager.yml. `url` is its base URL, where alerts go
    to `/api/v2/alerts`. With `core` it runs on that CPU alone, and sizes itself for one.
    """

    def __init__(
        self, folder: Path, configuration: Mapping[str, Any], *, core: int | None = None
    ) -> None:
        self._folder = folder
        self._configuration = configuration
        self._core = core
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The server's process id, to measure it by."""
        return self._child.pid

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "alertmanager.yml"
        config.write_text(yaml.safe_dump(dict(self._configuration), sort_keys=False))
        tool = tools.alertmanager()
        arguments: list[str | Path] = [
            tool.program,
            f"--config.file={config}",
            f"--storage.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--cluster.listen-address=",  # no gossip: it would listen on every address
        ]
        command = Command(arguments, tool.environment(), core=self._core, folder=tool.folder)
        self._child = Child(command, self._folder / "alertmanager.log")
        self._child.wait_until(lambda: answers(f"{self.url}/-/ready"))
        return self

    def __exit__(self, *error: object) -> None:
        self._child.stop()
