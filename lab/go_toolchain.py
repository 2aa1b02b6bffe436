"""Finds a Go that can build the control plane, or installs one into `.lab/go`.

Called by `lab.control_plane_build`, and only when something has to be built.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from lab import progress
from lab.errors import LabError
from lab.places import LAB

_INSTALLED = LAB / "go"


def find_go(module: Path) -> Path:
    """The `go` program to build `module` (a folder with a go.mod) with.

    The one on PATH if it is new enough for the module, which includes an older one that is allowed
    to fetch a newer toolchain (GOTOOLCHAIN); else the one pip installs from the module's
    go-toolchain.txt. LabError where that fails.
    """
    wanted = _required_version(module)
    on_path = shutil.which("go")
    if on_path and _version(Path(on_path), module) >= wanted:
        return Path(on_path)
    installed = _INSTALLED / "go" / "bin" / "go"
    if not (installed.exists() and _version(installed, module) >= wanted):
        _install(module / "go-toolchain.txt")
    return installed


def _required_version(module: Path) -> tuple[int, ...]:
    found = re.search(r"^go ([\d.]+)$", (module / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise LabError(f"{module / 'go.mod'} names no Go version")
    return _numbers(found[1])


def _version(go: Path, module: Path) -> tuple[int, ...]:
    """What `go` calls itself inside the module, where it may switch to a newer toolchain."""
    told = subprocess.run([go, "version"], cwd=module, capture_output=True, text=True, check=False)
    found = re.search(r"\bgo([\d.]+)", told.stdout)
    return _numbers(found[1]) if found and told.returncode == 0 else ()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.strip(".").split("."))


def _install(requirements: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options: list[str | Path] = [
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--upgrade",
        "--target",
        _INSTALLED,
    ]
    with progress.step("installing a Go toolchain with pip"):
        done = subprocess.run(
            [*pip, *options, "-r", requirements], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise LabError(
                "no Go on PATH is new enough, and pip could not install one: install Go "
                f"{'.'.join(map(str, _required_version(requirements.parent)))} or later, or repair "
                f"this:\n{done.stderr.strip()}"
            )
