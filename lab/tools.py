"""The programs the lab runs, each found on this machine or set up in `.lab`.

Every function is idempotent, safe to call from several processes at once, and takes milliseconds
once its program is there. LabError, one sentence, says what to install where nothing else worked.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from lab.control_plane_build import control_plane_programs
from lab.distribution import Package, library_folders, unpacked
from lab.errors import LabError

__all__ = ["Tool", "alertmanager", "control_plane_programs", "postgres", "prometheus", "strace"]

_POSTGRES_PROGRAM = "usr/lib/postgresql/*/bin/postgres"
_OLDEST_POSTGRES = 15
_NEWEST_POSTGRES_PACKAGE = 19


@dataclass(frozen=True, slots=True)
class Tool:
    """A program; and where it was unpacked instead of installed, what it needs to run from there.

    That is the folders of the shared libraries that came with it, and its working directory.
    """

    program: Path
    library_folders: tuple[Path, ...] = ()
    folder: Path | None = None

    def environment(self) -> dict[str, str]:
        """What its environment needs beside this process's own."""
        if not self.library_folders:
            return {}
        inherited = os.environ.get("LD_LIBRARY_PATH")
        folders = [*map(str, self.library_folders), *([inherited] if inherited else [])]
        return {"LD_LIBRARY_PATH": ":".join(folders)}

    def beside(self, name: str) -> Path:
        """Another program of the same package, such as initdb beside postgres."""
        return self.program.with_name(name)


def prometheus() -> Tool:
    """Prometheus: on PATH, else the distribution's."""
    return _on_path("prometheus") or _packaged(Package(("prometheus",), "usr/bin/prometheus"))


def alertmanager() -> Tool:
    """Alertmanager: on PATH, under Debian's name or its own, else the distribution's."""
    package = Package(
        ("prometheus-alertmanager",),
        "usr/bin/prometheus-alertmanager",
        data_folder="/usr/share/prometheus/alertmanager",  # its default templates
    )
    found = _on_path("prometheus-alertmanager") or _on_path("alertmanager")
    return found or _packaged(package)


def strace() -> Tool:
    """strace, which the fault runs trace system calls with: on PATH, else the distribution's."""
    return _on_path("strace") or _packaged(Package(("strace",), "usr/bin/strace"))


def postgres() -> Tool:
    """PostgreSQL 15 or later: installed where the distribution puts it, on PATH, else unpacked."""
    versions = range(_OLDEST_POSTGRES, _NEWEST_POSTGRES_PACKAGE + 1)
    package = Package(tuple(f"postgresql-{version}" for version in versions), _POSTGRES_PROGRAM)
    return _newest_postgres(Path("/")) or _on_path("postgres") or _packaged(package)


def _on_path(name: str) -> Tool | None:
    found = shutil.which(name)
    return Tool(Path(found).resolve()) if found else None


def _newest_postgres(root: Path) -> Tool | None:
    found = {int(program.parts[-3]): program for program in root.glob(_POSTGRES_PROGRAM)}
    newest = max(found, default=0)
    return Tool(found[newest]) if newest >= _OLDEST_POSTGRES else None


def _packaged(package: Package) -> Tool:
    try:
        tree = unpacked(package)
    except LabError as error:
        raise LabError(
            f"{Path(package.program).name} is not installed, and the distribution's package could "
            f"not be unpacked ({error}): install it, and make sure that it is on PATH"
        ) from error
    return Tool(next(tree.glob(package.program)), library_folders(tree), tree)
