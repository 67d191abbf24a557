"""The house rules that no single module can see: arrows, names, weight of imports, words."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("models", "vision", "calibration", "api")
HEAVY = ("torch", "torchvision", "ultralytics", "openvino")
WHERE_HEAVY_IS_IMPORTED = {
    "models/networks.py",
    "models/training.py",
    "vision/backend_cuda.py",
    "vision/backend_choice.py",
    "vision/backend_library.py",
    "vision/backend_openvino.py",
}
EMPTY_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "core", "base", "misc"}
TEXT_SUFFIXES = {
    ".cfg", ".css", ".csv", ".geojson", ".html", ".ini", ".js", ".json", ".md", ".py", ".sh",
    ".toml", ".txt", ".yaml", ".yml",
}  # fmt: skip
UNPUBLISHED = {
    ".git",
    ".venv",
    "__pycache__",
    ".hypothesis",
    "build",
    "dist",
    "site",
    "runs",
    "out",
    "reports",
}


def package_modules() -> list[Path]:
    """Every Python file of the four packages, relative to the repository."""
    return sorted(
        path.relative_to(ROOT) for name in PACKAGES for path in (ROOT / name).rglob("*.py")
    )


@cache
def published_texts() -> dict[Path, list[str]]:
    """Lines of every text file that is published, but this test: it has to name the words."""
    texts = {}
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = [
            name for name in subfolders if name not in UNPUBLISHED and not name.endswith("_cache")
        ]
        for path in (Path(folder) / name for name in names):
            known = path.suffix in TEXT_SUFFIXES or path.name in {"Makefile", "run"}
            if known and path != Path(__file__).resolve():
                texts[path.relative_to(ROOT)] = path.read_text(errors="replace").splitlines()
    return texts


def test_the_four_packages_come_from_one_place() -> None:
    homes = set()
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec is not None, f"{name} cannot be imported"
        assert spec.origin is not None, f"{name} is a namespace package, so another could add to it"
        homes.add(Path(spec.origin).parent.parent)
    assert len(homes) == 1


def test_no_other_distribution_owns_our_names() -> None:
    owners = importlib.metadata.packages_distributions()
    taken = {name: owners[name] for name in PACKAGES if set(owners.get(name, [])) - {"lastseen"}}
    assert not taken


def test_import_linter_contracts_hold(repo_root: Path) -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run(
        [lint_imports, "--no-cache"], cwd=repo_root, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", run.stdout), run.stdout


def test_importing_every_module_brings_no_heavy_library() -> None:
    modules = [
        ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for path in package_modules()
        if path.name != "__main__.py" and "migrations" not in path.parts  # Alembic's to load
    ]
    program = (
        "import importlib, json, sys\n"
        "culprits = {}\n"
        "for name in json.loads(sys.argv[1]):\n"
        "    importlib.import_module(name)\n"
        "    for heavy in json.loads(sys.argv[2]):\n"
        "        if heavy in sys.modules: culprits.setdefault(heavy, name)\n"
        "print(json.dumps(culprits))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, json.dumps(modules), json.dumps(HEAVY)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == {}, "library: the module that brought it in"


def imported_modules(source: str) -> set[str]:
    """Dotted names imported by absolute name anywhere in `source`, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names


def test_heavy_libraries_are_imported_in_few_modules() -> None:
    where = {
        path.as_posix()
        for path in package_modules()
        for name in imported_modules((ROOT / path).read_text())
        if name.partition(".")[0] in HEAVY
    }
    assert where == WHERE_HEAVY_IS_IMPORTED


@pytest.mark.parametrize("package", PACKAGES)
def test_neighbours_are_imported_by_relative_name(package: str) -> None:
    """So that every absolute first-party import is an arrow that a reviewer sees."""
    by_absolute_name = [
        f"{path}: {name}"
        for path in package_modules()
        if path.parts[0] == package
        for name in imported_modules((ROOT / path).read_text())
        if f"{name}.".startswith(f"{'.'.join(path.parent.parts)}.")
    ]
    assert by_absolute_name == []


def test_no_module_has_an_empty_name() -> None:
    assert [
        path.as_posix() for path in package_modules() if EMPTY_NAMES & {*path.parts, path.stem}
    ] == []


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {
        path.as_posix(): len((ROOT / path).read_text().splitlines()) for path in package_modules()
    }
    assert {path: n for path, n in lengths.items() if n > 400} == {}


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        pytest.param("path of one machine", r"(?<![\w.])/(work|root|home)/", id="machine paths"),
        pytest.param(
            "address of a registry",
            r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian\.org|--(extra-)?index-url",
            id="registries",
        ),
        pytest.param("issue number", r"(?i)\bissues?\s+#?\d+\b|\bGH-\d+\b", id="issue numbers"),
        pytest.param("who wrote it", r"(?i)\bclaude\b|\banthropic\b", id="authors' tools"),
        pytest.param("unfinished work", r"\b(TODO|FIXME|XXX|HACK)\b", id="unfinished"),
    ],
)
def test_published_text_is_free_of(what: str, pattern: str) -> None:
    found = [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, lines in published_texts().items()
        for number, line in enumerate(lines, 1)
        if re.search(pattern, line)
    ]
    assert not found, f"{what}:\n" + "\n".join(found)
