"""Unpacks packages of the Linux distribution (Debian or Ubuntu) into `.lab/debs`, without root.

In: the name of a package and its program. Out: a folder laid out like `/`, from which it runs.
What is unpacked is neither installed nor configured, and starts nothing. Called by `lab.tools`.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from os import environ, geteuid
from pathlib import Path

from lab import progress
from lab.errors import LabError
from lab.places import LAB, locked

_DEBS = LAB / "debs"
_LISTS = Path("/var/lib/apt/lists")


@dataclass(frozen=True, slots=True)
class Package:
    """What to unpack.

    `names` are its name in one release of the distribution or another, the preferred first;
    `program` is the program wanted from it, relative to `/`, as a glob pattern. `data_folder` is
    an absolute path built into the program (none if empty): it is made relative, so that the
    program finds those files in the tree, if that is its working directory.
    """

    names: tuple[str, ...]
    program: str
    data_folder: str = ""


def unpacked(package: Package) -> Path:
    """The folder that `package` and the libraries it lacks here are unpacked in, done once.

    LabError where this is no such distribution, the package cannot be fetched, or its program
    still lacks a library afterwards.
    """
    tree = _DEBS / package.names[0]
    if not tree.exists():
        with locked(LAB / "debs.lock"):
            if not tree.exists():
                _unpack(package, tree)
    return tree


def library_folders(tree: Path) -> tuple[Path, ...]:
    """Where shared libraries lie in an unpacked tree, for LD_LIBRARY_PATH; often none."""
    found = chain(*(tree.glob(where) for where in ("lib/*-linux-*", "usr/lib/*-linux-*")))
    return tuple(sorted(found))


def _unpack(package: Package, tree: Path) -> None:
    for needed in ("apt-get", "apt-cache", "dpkg"):
        if shutil.which(needed) is None:
            raise LabError(f"this system has no {needed}")
    partial = tree.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _have_lists()
    chosen = _first_known(package.names)
    with progress.step(f"unpacking the distribution's {chosen}") as step:
        _add({chosen}, partial)
        tried = {chosen}
        while missing := _missing_libraries(package, partial):
            wanted = _library_dependencies(tried) - tried
            if not wanted:
                raise LabError(f"{chosen} lacks {', '.join(sorted(missing))}")
            step.detail = f"with {', '.join(sorted(wanted))}"
            _add(wanted, partial)
            tried |= wanted
        if package.data_folder:
            for program in _programs(package, partial):
                _make_relative(program, package.data_folder)
    partial.rename(tree)


def _make_relative(program: Path, data_folder: str) -> None:
    """Replaces a path inside a program by a relative one of the same length, `a//b` for `/a/b`."""
    first, _, rest = data_folder.removeprefix("/").partition("/")
    absolute, relative = data_folder.encode(), f"{first}//{rest}".encode()
    content = program.read_bytes()
    if absolute not in content:
        raise LabError(f"{program.name} does not look for its files in {data_folder}")
    program.write_bytes(content.replace(absolute, relative))


def _have_lists() -> None:
    """Fetches the distribution's package lists where there are none, as in a fresh container."""
    if any(_LISTS.glob("*_Packages*")):
        return
    if geteuid() != 0:
        raise LabError("there are no package lists here: run `apt-get update` as root once")
    with progress.step("fetching the distribution's package lists"):
        _run(["apt-get", "update", "--quiet"])


def _first_known(names: Sequence[str]) -> str:
    """The first of `names` that the distribution has."""
    for name in names:
        show = ["apt-cache", "show", "--quiet", name]
        if subprocess.run(show, capture_output=True, check=False).returncode == 0:
            return name
    raise LabError(f"the distribution has no {' or '.join(names)}")


def _add(names: set[str], tree: Path) -> None:
    """Downloads packages and unpacks them over `tree`."""
    downloads = tree.with_suffix(".downloads")
    shutil.rmtree(downloads, ignore_errors=True)
    downloads.mkdir()
    # Without apt's own user, which could not write here, and would say so.
    download = ["apt-get", "download", "--quiet", "-o", "APT::Sandbox::User="]
    _run([*download, *sorted(names)], folder=downloads)
    for deb in downloads.glob("*.deb"):
        _run(["dpkg", "-x", str(deb), str(tree)])
    shutil.rmtree(downloads)


def _programs(package: Package, tree: Path) -> list[Path]:
    found = list(tree.glob(package.program))
    if not found:
        raise LabError(f"the package {package.names[0]} holds no {package.program}")
    return found


def _missing_libraries(package: Package, tree: Path) -> set[str]:
    """The names of shared libraries that the package's program needs and does not find."""
    libraries = ":".join(map(str, library_folders(tree)))
    told = subprocess.run(
        ["ldd", *_programs(package, tree)],
        env={**_untranslated(), "LD_LIBRARY_PATH": libraries},
        capture_output=True,
        text=True,
        check=False,
    )
    return set(re.findall(r"(\S+) => not found", told.stdout))


def _library_dependencies(names: set[str]) -> set[str]:
    """Library packages that `names` depend on directly and that are not installed here.

    libllvm is left out: it is 100 MB for PostgreSQL's JIT, which is loaded on demand.
    """
    told = _run(["apt-cache", "depends", "--important", *sorted(names)])
    found = set(re.findall(r"Depends: (lib\S+)", told)) - {"libc6"}
    return {name for name in found if not name.startswith("libllvm") and not _is_installed(name)}


def _is_installed(name: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    told = subprocess.run(query, capture_output=True, text=True, check=False)
    return told.stdout.startswith("installed")


def _run(command: Sequence[str], folder: Path | None = None) -> str:
    """Runs a command to its end and returns its output; LabError with its stderr if it fails."""
    done = subprocess.run(
        command, cwd=folder, env=_untranslated(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LabError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
    return done.stdout


def _untranslated() -> dict[str, str]:
    """This process's environment, in which programs say what is read here in English."""
    return {**environ, "LC_ALL": "C"}
