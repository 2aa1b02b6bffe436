"""Writes the CustomResourceDefinitions from the models: `python -m tocsin.cli.generate_crds crds`.

With `--check` nothing is written; the exit status is 1 if a file differs from what would be.
Called by `make generate` and `make check`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from tocsin.cli.crd_schema import Schema, structural_schema
from tocsin.model.resources import GROUP, KINDS, VERSION, Column, ResourceKind

_HEADER: Final = "# Generated from operator/tocsin/model by `make generate`; do not edit.\n"

_ANNOTATIONS: Final = {
    # "$" and "{" in rules and descriptions are not Flux's variables.
    "kustomize.toolkit.fluxcd.io/substitute": "disabled",
}


class _Dumper(yaml.SafeDumper):
    """Writes equal parts twice instead of as anchors, which people find hard to read."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def crd(kind: ResourceKind) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind (apiextensions.k8s.io/v1)."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}", "annotations": dict(_ANNOTATIONS)},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "shortNames": [kind.short_name],
                "categories": ["tocsin"],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(each) for each in kind.columns],
                    "schema": {"openAPIV3Schema": _object_schema(kind)},
                }
            ],
        },
    }


def _object_schema(kind: ResourceKind) -> Schema:
    status = structural_schema(kind.status)
    # kstatus: an object that the operator has not seen yet must not look ready.
    status["default"] = {"observedGeneration": -1}
    return {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}"},
            "kind": {"type": "string", "description": kind.kind},
            "metadata": {"type": "object"},
            "spec": structural_schema(kind.spec),
            "status": status,
        },
    }


def _column(column: Column) -> dict[str, Any]:
    shown = {"name": column.name, "type": column.type, "jsonPath": column.json_path}
    return {**shown, "priority": 1} if column.wide else dict(shown)


def rendered(kind: ResourceKind) -> str:
    """Return the text of a kind's file; the same on every run and machine."""
    text: str = yaml.dump(crd(kind), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return _HEADER + text


def generate(folder: Path, *, check: bool = False) -> list[Path]:
    """Write each kind's file into `folder`, or only compare; return the files that differed."""
    wanted = {folder / f"{kind.plural}.yaml": rendered(kind) for kind in KINDS}
    differing = [
        path
        for path, text in wanted.items()
        if not path.is_file() or path.read_text("utf-8") != text
    ]
    if not check:
        folder.mkdir(parents=True, exist_ok=True)
        for path in differing:
            path.write_text(wanted[path], "utf-8")
    return differing


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tocsin.cli.generate_crds", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the CRD files")
    parser.add_argument("--check", action="store_true", help="compare only")
    options = parser.parse_args(arguments)
    differing = generate(options.folder, check=options.check)
    for path in differing:
        done = "differs from the models: run make generate" if options.check else "written"
        sys.stdout.write(f"{path}: {done}\n")
    return 1 if options.check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
