"""Finds or builds the programs of a Kubernetes control plane.

In: `lab/controlplane/go.mod`, which fixes their versions, and KUBEBUILDER_ASSETS. Out: a folder
with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl. Called by
`lab.tools`.
"""

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lab import progress
from lab.errors import LabError
from lab.go_toolchain import find_go
from lab.places import LAB, PROJECT, locked

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
MODULE = PROJECT / "lab" / "controlplane"

_BUILT = LAB / "bin"
_STAMP = _BUILT / ".built-from"
_TAIL_LINES = 15


def control_plane_programs(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder with all of PROGRAMS: KUBEBUILDER_ASSETS where that is set, else `.lab/bin`.

    Builds them there, once for each content of go.mod and go.sum: minutes the first time. LabError
    where KUBEBUILDER_ASSETS lacks a program, or the build fails.
    """
    assets = environment.get("KUBEBUILDER_ASSETS")
    if assets:
        return _complete_assets(Path(assets))
    if not _is_current():
        with locked(LAB / "bin.lock"):
            if not _is_current():
                _build()
    return _BUILT


def _complete_assets(assets: Path) -> Path:
    missing = [program for program in PROGRAMS if not (assets / program).exists()]
    if missing:
        raise LabError(
            f"KUBEBUILDER_ASSETS={assets} lacks {', '.join(missing)}: add what is missing, or "
            "unset the variable to have all of them built"
        )
    return assets


def _is_current() -> bool:
    return _STAMP.exists() and _STAMP.read_text() == build_key()


def build_key() -> str:
    """What the built programs depend on, as a digest: another one means building again."""
    inputs = [MODULE / "go.mod", MODULE / "go.sum"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in inputs))
    digest.update(_linker_flags().encode())
    return digest.hexdigest()


def _kubernetes_version() -> str:
    found = re.search(r"\bk8s\.io/kubernetes (v[\d.]+)", (MODULE / "go.mod").read_text())
    if found is None:
        raise LabError(f"{MODULE / 'go.mod'} requires no k8s.io/kubernetes")
    return found[1]


def _linker_flags() -> str:
    """Strips the programs, and tells them their version, which Kubernetes' own build sets so."""
    version = _kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".")
    package = "k8s.io/component-base/version"
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s -w", *(f"-X {package}.{name}={value}" for name, value in values.items())])


def _build() -> None:
    go = find_go(MODULE)
    _STAMP.unlink(missing_ok=True)
    command: list[str | Path] = [
        go,
        "install",
        "-v",
        "-trimpath",
        "-ldflags",
        _linker_flags(),
        "tool",
    ]
    # Without cgo a C compiler is neither needed nor in the way.
    environment = {**os.environ, "GOBIN": str(_BUILT), "CGO_ENABLED": "0", "GOWORK": "off"}
    title = f"building Kubernetes {_kubernetes_version()} and etcd with Go (once, some minutes)"
    with progress.step(title) as step:
        _run_go(command, environment, step)
        (_BUILT / "server").rename(_BUILT / "etcd")
    _STAMP.write_text(build_key())


def _run_go(command: list[str | Path], environment: Mapping[str, str], step: progress.Step) -> None:
    """Runs a verbose Go build, counting what it downloads and compiles into the step's detail."""
    lines: list[str] = []
    downloaded = compiled = 0
    with subprocess.Popen(
        command, cwd=MODULE, env=environment, stderr=subprocess.PIPE, text=True
    ) as go:
        assert go.stderr is not None
        for line in go.stderr:
            lines = [*lines[-_TAIL_LINES:], line]
            if line.startswith("go: downloading"):
                downloaded += 1
            else:
                compiled += 1
            step.detail = f"{downloaded} modules fetched, {compiled} packages compiled"
    if go.returncode != 0:
        raise LabError(f"go {' '.join(map(str, command[1:]))} failed:\n{''.join(lines)}")
