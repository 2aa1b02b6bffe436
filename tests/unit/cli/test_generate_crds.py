from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.places import PROJECT
from tocsin.cli.generate_crds import crd, generate, main, rendered
from tocsin.model.resources import KINDS, ResourceKind


def _fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from _fields(field, f"{path}.{name}")
        yield from _fields(field.get("items", {}), f"{path}.{name}")


def _schema(kind: ResourceKind) -> dict[str, Any]:
    schema: dict[str, Any] = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def test_the_files_in_the_repository_are_those_of_the_models() -> None:
    assert generate(PROJECT / "crds", check=True) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_field_is_explained_to_users(kind: ResourceKind) -> None:
    fields = dict(_fields(_schema(kind), ""))
    silent = [path for path, field in fields.items() if not field.get("description")]
    assert silent == [".metadata"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_an_object_not_seen_yet_does_not_look_ready(kind: ResourceKind) -> None:
    assert _schema(kind)["properties"]["status"]["default"] == {"observedGeneration": -1}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_text_is_the_same_each_time_and_reads_back(kind: ResourceKind) -> None:
    text = rendered(kind)
    assert text == rendered(kind)
    assert yaml.safe_load(text) == crd(kind)
    assert "&id" not in text


def test_flux_leaves_the_text_alone() -> None:
    annotations = crd(KINDS[0])["metadata"]["annotations"]
    assert annotations == {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}


def test_files_are_written_once_and_then_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "crds"
    assert main([str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "slackconfigs.yaml",
        "slackreceivers.yaml",
    ]
    assert capsys.readouterr().out.count(": written\n") == 2
    assert main([str(folder), "--check"]) == 0
    assert capsys.readouterr().out == ""


def test_a_check_names_the_file_that_differs_and_leaves_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate(tmp_path)
    stale = tmp_path / "slackconfigs.yaml"
    stale.write_text("stale", "utf-8")
    assert main([str(tmp_path), "--check"]) == 1
    assert capsys.readouterr().out.startswith(f"{stale}: differs from the models")
    assert stale.read_text("utf-8") == "stale"
