"""The Slack stand-in as a process of its own, sharing no event loop with what is measured."""

import sys
from pathlib import Path
from typing import Self

from lab.places import PROJECT
from lab.process import Child, Command


class SlackProcess:
    """A stand-in that lives as long as its `with` block; its journal and log lie in `folder`."""

    def __init__(self, folder: Path, *, limits: bool = True, workspace: Path | None = None) -> None:
        self._folder = folder
        self._flags = ([] if limits else ["--no-limits"]) + (
            [f"--workspace={workspace}"] if workspace is not None else []
        )
        self.journal = folder / "slack.jsonl"
        self.url = ""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        ready = self._folder / "slack.url"
        ready.unlink(missing_ok=True)
        arguments: list[str | Path] = [
            sys.executable,
            "-m",
            "lab.slack",
            f"--journal={self.journal}",
            f"--ready-file={ready}",
            *self._flags,
        ]
        self._child = Child(Command(arguments, folder=PROJECT), self._folder / "slack.log")
        self._child.wait_until(ready.exists)
        self.url = ready.read_text().strip()
        return self

    def __exit__(self, *error: object) -> None:
        self._child.stop()
