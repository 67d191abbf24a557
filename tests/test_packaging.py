"""The wheel holds everything a fresh machine needs, and nothing else."""

from __future__ import annotations

import ast
import email
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

PACKAGES = ("models", "vision", "calibration", "api")
COMES_WITH = {
    "annotated-types": "pydantic",
    "markupsafe": "jinja2",
    "pydantic-core": "pydantic",
    "starlette": "fastapi",
    "anyio": "fastapi",
    "h11": "uvicorn",
}
"""Parts of a declared dependency that are used by their own name."""
NEEDED_BY_ANOTHER = {"psycopg", "torchvision", "websockets"}
"""Declared and not imported: SQLAlchemy loads the driver that an address names, ultralytics needs
the build that matches torch, and uvicorn speaks WebSocket with the other."""


@pytest.fixture(scope="module")
def wheel(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from this checkout by the pinned hatchling, with no network."""
    folder = tmp_path_factory.mktemp("wheel")
    run = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=repo_root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    (built,) = folder.glob("lastseen-*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_file_of_the_packages_is_in_the_wheel(repo_root: Path, names: set[str]) -> None:
    files = {
        path.relative_to(repo_root).as_posix()
        for package in PACKAGES
        for path in (repo_root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files
    assert files - names == set()


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("models/weights.toml", id="list of checkpoints"),
        pytest.param("models/weights/**/*.pt", id="shipped weights"),
        pytest.param("models/cards/*.md", id="model cards"),
        pytest.param("api/console/**/*.html", id="console page"),
        pytest.param("api/**/*.html.j2", id="report template"),
        *(pytest.param(f"{package}/py.typed", id=f"types of {package}") for package in PACKAGES),
    ],
)
def test_the_wheel_has(repo_root: Path, names: set[str], pattern: str) -> None:
    matching = {path.relative_to(repo_root).as_posix() for path in repo_root.glob(pattern)}
    assert matching, f"the checkout has no {pattern}"
    assert matching <= names


def test_nothing_else_is_in_the_wheel(names: set[str]) -> None:
    roots = {name.partition("/")[0] for name in names}
    (metadata,) = roots - set(PACKAGES)
    assert metadata.endswith(".dist-info")
    assert f"{metadata}/licenses/LICENSE" in names


def test_metadata_names_licence_and_command(wheel: Path, names: set[str]) -> None:
    (root,) = {name.partition("/")[0] for name in names} - set(PACKAGES)
    with zipfile.ZipFile(wheel) as archive:
        metadata = email.message_from_bytes(archive.read(f"{root}/METADATA"))
        entry_points = archive.read(f"{root}/entry_points.txt").decode()
    assert metadata["License-Expression"] == "AGPL-3.0-or-later"
    assert "lastseen = api.cli:main" in entry_points


def test_the_command_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = (
        "import sys, api\n"
        "assert api.__file__.startswith(sys.argv[1]), api.__file__\n"
        "sys.argv[1:] = ['--help']\n"
        "from api.cli import main\n"
        "main()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "drill" in run.stdout


ONLY_WITH_AN_EXTRA = {"nncf", "ray"}
"""Imported inside a function that says which extra is missing."""


def normalised(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*, everything: bool = False) -> set[str]:
    """Names of the dependencies in pyproject.toml: of the packages, or with extras and groups."""
    root = Path(__file__).resolve().parent.parent
    table = tomllib.loads((root / "pyproject.toml").read_text())
    wanted = list(table["project"]["dependencies"])
    if everything:
        for more in (table["project"]["optional-dependencies"], table["dependency-groups"]):
            wanted += [requirement for group in more.values() for requirement in group]
    return {normalised(re.split(r"[\s\[<>=!~;]", requirement)[0]) for requirement in wanted}


def imported_distributions(root: Path) -> set[str]:
    """Distributions whose modules the four packages import, anywhere in their code."""
    owners = metadata.packages_distributions()
    found = set()
    for package in PACKAGES:
        for path in (root / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    names = [node.module or ""]
                else:
                    continue
                tops = {name.partition(".")[0] for name in names}
                ours = {*PACKAGES, "benchmarks", *ONLY_WITH_AN_EXTRA}
                for top in tops - sys.stdlib_module_names - ours:
                    of = {normalised(owner) for owner in owners.get(top, [f"{top} (unknown)"])}
                    # A namespace that many distributions share is imported by those declared.
                    found |= of & declared() or of
    return found


def test_what_is_imported_is_declared_and_what_is_declared_is_imported(repo_root: Path) -> None:
    imported = {COMES_WITH.get(name, name) for name in imported_distributions(repo_root)}
    assert declared(everything=True) >= ONLY_WITH_AN_EXTRA
    assert imported - declared() - ONLY_WITH_AN_EXTRA == set(), "imported, but not declared"
    assert declared() - imported - NEEDED_BY_ANOTHER == set(), "declared, but imported nowhere"


def test_every_dependency_has_a_pin_and_a_reason(repo_root: Path) -> None:
    pins = {
        normalised(line.partition("==")[0])
        for line in (repo_root / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    page = (repo_root / "docs" / "decisions" / "0003-dependencies.md").read_text()
    explained = {normalised(name) for name in re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)}
    assert declared(everything=True) - pins == set(), "not pinned; run: make constraints"
    assert declared(everything=True) ^ explained == set(), "dependencies and their reasons differ"
