"""Every program is found where it is installed, else set up once, else asked for in a sentence."""

import os
import shutil
from pathlib import Path

import pytest

from lab import control_plane_build, distribution, go_toolchain, setup, tools
from lab.errors import LabError


def script(file: Path, body: str) -> Path:
    """Writes an executable shell script."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def distribution_folder(bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution with a package `server`, whose program needs a library from `libneeded1`.

    Its apt-get appends the packages it downloads to the file `downloaded` in the folder returned.
    """
    folder = tmp_path / "distribution"
    lists = folder / "lists"
    lists.mkdir(parents=True)
    (lists / "main_Packages").touch()
    monkeypatch.setattr(distribution, "_LISTS", lists)
    monkeypatch.setattr(distribution, "_DEBS", tmp_path / "debs")
    for program in ("touch", "mkdir", "cp", "sh"):
        (bin_folder / program).symlink_to(shutil.which(program, path="/usr/bin:/bin") or "")
    script(
        bin_folder / "apt-get",
        f'for name; do :; done; echo "$name" >> {folder}/downloaded; touch -- "$name.deb"',
    )
    script(
        bin_folder / "apt-cache",
        'case "$*" in\n'
        "'show --quiet server') exit 0;;\n"
        "show*) exit 100;;\n"
        'depends*server*) echo "  Depends: libneeded1"; echo "  Depends: adduser";;\n'
        "esac",
    )
    script(
        bin_folder / "dpkg",
        'case "$2" in\n'
        "*/server.deb) mkdir -p $3/usr/bin; cp /bin/true $3/usr/bin/server;;\n"
        "*/libneeded1.deb) mkdir -p $3/usr/lib/any-linux-gnu; touch $3/usr/lib/any-linux-gnu/it;;\n"
        "esac",
    )
    script(bin_folder / "dpkg-query", 'echo "unknown"')
    script(
        bin_folder / "ldd",
        '[ "$LD_LIBRARY_PATH" ] || echo "  libneeded.so.1 => not found"',
    )
    return folder


def test_a_package_is_unpacked_with_the_library_it_lacks_and_only_once(
    distribution_folder: Path,
) -> None:
    package = distribution.Package(("server-15", "server"), "usr/bin/server")
    tree = distribution.unpacked(package)
    assert (tree / "usr/bin/server").exists()
    assert distribution.library_folders(tree) == (tree / "usr/lib/any-linux-gnu",)
    assert distribution.unpacked(package) == tree
    assert (distribution_folder / "downloaded").read_text().split() == ["server", "libneeded1"]


def test_a_package_that_the_distribution_lacks_is_named(distribution_folder: Path) -> None:
    with pytest.raises(LabError, match="the distribution has no absent-15 or absent-16"):
        distribution.unpacked(distribution.Package(("absent-15", "absent-16"), "usr/bin/absent"))
    assert not (distribution_folder / "downloaded").exists()


def test_a_library_that_no_package_brings_is_named(
    distribution_folder: Path, bin_folder: Path
) -> None:
    script(bin_folder / "ldd", 'echo "  libodd.so.7 => not found"')
    with pytest.raises(LabError, match=r"server lacks libodd\.so\.7"):
        distribution.unpacked(distribution.Package(("server",), "usr/bin/server"))


def test_a_package_without_the_program_is_named(distribution_folder: Path) -> None:
    with pytest.raises(LabError, match="the package server holds no usr/sbin/server"):
        distribution.unpacked(distribution.Package(("server",), "usr/sbin/server"))


def test_a_path_built_into_an_unpacked_program_is_made_relative(
    distribution_folder: Path, bin_folder: Path
) -> None:
    script(
        bin_folder / "dpkg",
        "mkdir -p $3/usr/bin; echo 'open /usr/share/server/page' > $3/usr/bin/server",
    )
    script(bin_folder / "ldd", "")
    package = distribution.Package(("server",), "usr/bin/server", data_folder="/usr/share/server")
    program = distribution.unpacked(package) / "usr/bin/server"
    assert program.read_text() == "open usr//share/server/page\n"


def test_a_path_that_an_unpacked_program_lacks_is_named(distribution_folder: Path) -> None:
    package = distribution.Package(("server",), "usr/bin/server", data_folder="/usr/share/absent")
    with pytest.raises(LabError, match="server does not look for its files in /usr/share/absent"):
        distribution.unpacked(package)


def test_a_download_that_fails_is_explained_and_tried_again_later(
    distribution_folder: Path, bin_folder: Path
) -> None:
    working = (bin_folder / "apt-get").read_text()
    script(bin_folder / "apt-get", "echo 'E: no route to host' >&2; exit 100")
    package = distribution.Package(("server",), "usr/bin/server")
    with pytest.raises(LabError, match=r"apt-get download .* failed: E: no route to host"):
        distribution.unpacked(package)
    (bin_folder / "apt-get").write_text(working)
    assert (distribution.unpacked(package) / "usr/bin/server").exists()


def test_without_package_lists_root_fetches_them_and_others_are_told_to(
    distribution_folder: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distribution, "_LISTS", distribution_folder / "no-lists")
    package = distribution.Package(("server",), "usr/bin/server")
    monkeypatch.setattr(distribution, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="run `apt-get update` as root once"):
        distribution.unpacked(package)
    monkeypatch.setattr(distribution, "geteuid", lambda: 0)
    distribution.unpacked(package)
    assert (distribution_folder / "downloaded").read_text().split()[0] == "--quiet"  # of update


def test_a_program_on_path_is_used_as_it_is(bin_folder: Path) -> None:
    program = script(bin_folder / "alertmanager", "")
    found = tools.alertmanager()
    assert found == tools.Tool(program)
    assert found.environment() == {}


def test_what_cannot_be_found_or_unpacked_is_asked_for_in_one_sentence(
    bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distribution, "_DEBS", tmp_path / "debs")
    with pytest.raises(LabError, match=r"prometheus is not installed.*no apt-get.*install it"):
        tools.prometheus()


def test_unpacked_libraries_come_before_those_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tool = tools.Tool(Path("/tree/usr/bin/server"), (Path("/tree/lib"), Path("/tree/usr/lib")))
    assert tool.beside("client") == Path("/tree/usr/bin/client")
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    assert tool.environment() == {"LD_LIBRARY_PATH": "/tree/lib:/tree/usr/lib"}
    monkeypatch.setenv("LD_LIBRARY_PATH", "/own")
    assert tool.environment() == {"LD_LIBRARY_PATH": "/tree/lib:/tree/usr/lib:/own"}


def test_the_newest_postgres_from_15_on_is_chosen(tmp_path: Path) -> None:
    for version in (9, 14):
        script(tmp_path / f"usr/lib/postgresql/{version}/bin/postgres", "")
    assert tools._newest_postgres(tmp_path) is None
    for version in (15, 17):
        script(tmp_path / f"usr/lib/postgresql/{version}/bin/postgres", "")
    newest = tools._newest_postgres(tmp_path)
    assert newest == tools.Tool(tmp_path / "usr/lib/postgresql/17/bin/postgres")


def test_kubebuilder_assets_are_used_where_they_are_complete(tmp_path: Path) -> None:
    for program in control_plane_build.PROGRAMS:
        script(tmp_path / program, "")
    environment = {"KUBEBUILDER_ASSETS": str(tmp_path)}
    assert control_plane_build.control_plane_programs(environment) == tmp_path


def test_what_kubebuilder_assets_lack_is_named(tmp_path: Path) -> None:
    for program in ("etcd", "kube-apiserver", "kubectl"):
        script(tmp_path / program, "")
    with pytest.raises(LabError, match="lacks kube-controller-manager, kube-scheduler"):
        control_plane_build.control_plane_programs({"KUBEBUILDER_ASSETS": str(tmp_path)})


@pytest.fixture
def go_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the control plane's Go module, built into a folder of the test's own."""
    module = tmp_path / "module"
    shutil.copytree(control_plane_build.MODULE, module)
    built = tmp_path / "built"
    monkeypatch.setattr(control_plane_build, "MODULE", module)
    monkeypatch.setattr(control_plane_build, "_BUILT", built)
    monkeypatch.setattr(control_plane_build, "_STAMP", built / ".built-from")
    monkeypatch.setattr(control_plane_build, "LAB", tmp_path)
    return module


GO = """
case $1 in
version) echo go version go1.99.0 linux/amd64;;
install) echo "$@" >> "$GOBIN.calls"; mkdir -p "$GOBIN"; touch "$GOBIN/server"
         echo 'go: downloading example 1' >&2; echo example/package >&2;;
esac"""


def test_the_control_plane_is_built_once_for_each_content_of_its_go_module(
    go_module: Path, bin_folder: Path, tmp_path: Path
) -> None:
    for program in ("touch", "mkdir"):
        (bin_folder / program).symlink_to(shutil.which(program, path="/usr/bin:/bin") or "")
    script(bin_folder / "go", GO)
    calls = tmp_path / "built.calls"
    programs = control_plane_build.control_plane_programs({})
    assert control_plane_build.control_plane_programs({}) == programs
    assert (programs / "etcd").exists()
    assert len(calls.read_text().splitlines()) == 1
    assert "-X k8s.io/component-base/version.gitVersion=v1.36" in calls.read_text()
    with (go_module / "go.mod").open("a") as file:
        file.write("// changed\n")
    control_plane_build.control_plane_programs({})
    assert len(calls.read_text().splitlines()) == 2


@pytest.mark.usefixtures("go_module")
def test_a_build_that_fails_shows_what_go_said(bin_folder: Path) -> None:
    script(
        bin_folder / "go",
        "[ $1 = version ] && echo go version go1.99.0 && exit; echo 'no such module' >&2; exit 1",
    )
    with pytest.raises(LabError, match=r"go install .* failed:\nno such module"):
        control_plane_build.control_plane_programs({})


def test_a_go_that_is_too_old_gives_way_to_the_installed_one(
    go_module: Path, bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(bin_folder / "go", "echo go version go1.19.8 linux/amd64")
    installed = script(tmp_path / "go/go/bin/go", "echo go version go1.99.0 linux/amd64")
    monkeypatch.setattr(go_toolchain, "_INSTALLED", tmp_path / "go")
    assert go_toolchain.find_go(go_module) == installed


@pytest.mark.usefixtures("bin_folder")
def test_where_pip_cannot_install_go_the_version_to_install_is_named(
    go_module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(go_toolchain, "_INSTALLED", tmp_path / "go")
    (go_module / "go-toolchain.txt").write_text("no requirement at all")
    with pytest.raises(LabError, match=r"install Go 1\.26\.0 or later, or repair this"):
        go_toolchain.find_go(go_module)


def test_set_up_says_in_one_sentence_what_is_missing(
    bin_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(distribution, "_DEBS", tmp_path / "debs")
    assert setup.main() == 1
    assert capsys.readouterr().err.startswith("lab: prometheus is not installed")


def test_everything_the_lab_runs_is_set_up() -> None:
    assert setup.main() == 0
    for program in (tools.prometheus().program, tools.control_plane_programs() / "etcd"):
        assert os.access(program, os.X_OK)
