"""What the documentation names exists: commands, options, make targets, fields, routes, links."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api import activation_schemas, problems, request_schemas, schemas, stream_schemas
from api.actors import ABILITIES, ROLES, Role
from api.drill_files import _DrillTable
from api.scoring_figures import Figures, FinalAnswer
from api.settings import Settings
from api.store_tables import METADATA
from calibration.plan_file import FEATURE_TYPES, PlanFile
from calibration.site_files import CameraFile, SiteFile

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = (
    ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))
)  # fmt: skip
CODE = re.compile(r"```[^\n]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")


def name_of(page: Path) -> str:
    """The page's path in the checkout: the name of a test's row."""
    return page.relative_to(ROOT).as_posix()


def code_lines(page: Path) -> Iterator[str]:
    """Lines of code blocks and spans of inline code, continued lines joined."""
    for block, span in CODE.findall(page.read_text()):
        for line in (block or span).replace("\\\n", " ").splitlines():
            yield line.strip().removeprefix("$ ")


def invocations(program: str) -> dict[str, Path]:
    """Every call of `program` in the documentation, and a page that has it."""
    calls = {}
    for page in PAGES:
        for line in code_lines(page):
            call = re.search(
                rf"(?:^|&& |; )(?:\S+=\S+ )*(?:\.venv/bin/)?{program} ([^|;&#]+)", line
            )
            if call:
                calls[call[1].strip()] = page
    return calls


@cache
def help_of(*command: str) -> tuple[int, str]:
    """Exit status and text of `lastseen COMMAND… --help`, as a person's terminal shows it."""
    run = subprocess.run(
        [Path(sys.executable).with_name("lastseen"), *command, "--help"],
        capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "240", "NO_COLOR": "1", "TERM": "dumb"},
    )  # fmt: skip
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize("call", sorted(invocations("lastseen")))
def test_commands_and_options_exist(call: str) -> None:
    page = name_of(invocations("lastseen")[call])
    words = shlex.split(call.replace("…", "").replace("[", "").replace("]", ""))
    command: list[str] = []
    status, text = help_of()
    assert status == 0, text
    while words and "COMMAND" in text.split("\n\n")[0] + text.partition("╭")[0]:
        if words[0].startswith("-"):
            break
        command.append(words.pop(0))
        status, text = help_of(*command)
        assert status == 0, f"{page}: there is no command 'lastseen {' '.join(command)}'"
    for option in (word.partition("=")[0] for word in words if word.startswith("--")):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", text), (
            f"{page}: 'lastseen {' '.join(command)}' has no option {option}"
        )


def make_targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text()
    return {
        name
        for line in re.findall(r"^([a-z][a-z -]*):(?!=)", makefile, re.MULTILINE)
        for name in line.split()
    }


@pytest.mark.parametrize("call", sorted(invocations("make")))
def test_make_targets_exist(call: str) -> None:
    targets = {word for word in call.split() if "=" not in word and not word.startswith("-")}
    assert targets <= make_targets(), name_of(invocations("make")[call])


def test_every_make_target_is_listed_by_help() -> None:
    run = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^ +make ([a-z-]+)", run.stdout, re.MULTILINE))
    assert listed == make_targets()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    broken = []
    for target in (a or b for a, b in LINK.findall(text)):
        path = target.partition("#")[0]
        if path and "://" not in target and not (page.parent / path).exists():
            broken.append(target)
    assert broken == []


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page() -> None:
    named = set(re.findall(r"[\w./-]+\.md", (ROOT / "mkdocs.yml").read_text()))
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert named == pages


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(page.name[:4]) for page in sorted((DOCS / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def models_inside(annotation: Any) -> Iterator[type[BaseModel]]:
    """The pydantic models that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from models_inside(argument)


def field_names(model: type[BaseModel]) -> set[str]:
    """Names, as a file writes them, of all fields of `model` and of the models in it."""
    names: set[str] = set()
    for name, field in model.model_fields.items():
        names.add(field.alias or name)
        for inner in models_inside(field.annotation):
            names |= field_names(inner)
    return names


@pytest.mark.parametrize(
    "model",
    [SiteFile, CameraFile, PlanFile, *FEATURE_TYPES.values(), _DrillTable],
    ids=lambda model: model.__name__,
)
def test_every_field_of_a_file_is_documented(model: type[BaseModel]) -> None:
    reference = (DOCS / "reference" / "files.md").read_text()
    written = set(re.findall(r"\w+", " ".join(a or b for a, b in CODE.findall(reference))))
    assert field_names(model) - written == set()


def test_every_setting_is_documented() -> None:
    reference = (DOCS / "reference" / "command-line.md").read_text()
    missing = [
        name for name in Settings.model_fields if f"`LASTSEEN_{name.upper()}`" not in reference
    ]
    assert missing == []


def test_every_key_of_the_report_is_documented() -> None:
    reference = (DOCS / "reference" / "report.md").read_text()
    keys = {field.name for model in (Figures, FinalAnswer) for field in fields(model)}
    assert {key for key in keys if f"`{key}`" not in reference} == set()


def api_routes() -> list[APIRoute]:
    """The routes of every module `api/*_routes.py`."""
    modules = [
        import_module(f"api.{path.stem}") for path in sorted((ROOT / "api").glob("*_routes.py"))
    ]
    return [
        route for module in modules for route in module.router.routes if isinstance(route, APIRoute)
    ]


@pytest.mark.parametrize("route", api_routes(), ids=lambda route: f"{route.name}")
def test_every_route_is_documented(route: APIRoute) -> None:
    reference = (DOCS / "reference" / "location-api.md").read_text()
    for method in route.methods or ():
        assert f"`{method} {route.path}`" in reference


@pytest.mark.parametrize("role", ROLES)
def test_what_each_role_may_ask_for_is_documented(role: Role) -> None:
    reference = (DOCS / "reference" / "location-api.md").read_text()
    row = re.search(rf"^\| `{role}`[^|]*\|([^|]*)\|$", reference, re.MULTILINE)
    assert row, f"no row for {role}"
    assert set(re.findall(r"`([a-z-]+)`", row[1])) == ABILITIES[role]


@pytest.mark.parametrize(
    ("model", "page"),
    [
        (request_schemas.OpenIncident, "reference/location-api.md"),
        (schemas.Incident, "reference/location-api.md"),
        (stream_schemas.Streams, "reference/location-api.md"),
        (stream_schemas.StreamHead, "reference/location-api.md"),
        (stream_schemas.StreamSkipped, "reference/location-api.md"),
        (stream_schemas.StreamWaiting, "reference/location-api.md"),
        (stream_schemas.StreamOver, "reference/location-api.md"),
        (activation_schemas.Emergency, "how-to/connect-a-panic-button.md"),
        (activation_schemas.Exercise, "how-to/connect-a-panic-button.md"),
        (activation_schemas.AgencyResponding, "how-to/connect-a-panic-button.md"),
        (activation_schemas.AgencyLeft, "how-to/connect-a-panic-button.md"),
        (activation_schemas.Closed, "how-to/connect-a-panic-button.md"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_every_field_of_a_message_is_documented(model: type[BaseModel], page: str) -> None:
    written = set(re.findall(r"\w+", " ".join(a or b for a, b in CODE.findall(text_of(page)))))
    assert field_names(model) - written == set()


def text_of(page: str) -> str:
    return (DOCS / page).read_text()


def test_every_table_is_documented() -> None:
    reference = (DOCS / "reference" / "files.md").read_text()
    assert {name for name in METADATA.tables if f"`{name}`" not in reference} == set()


def problem_slugs() -> set[str]:
    """Second argument of every `ProblemError(…)` in the package, and those made from a status."""
    slugs = {slug for slug, _ in problems._BY_STATUS.values()}
    slugs |= {slug for _, slug, *_ in problems._KINDS.values()}
    for path in (ROOT / "api").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "ProblemError":
                slug = node.args[1] if len(node.args) > 1 else None
                if isinstance(slug, ast.Constant):
                    slugs.add(str(slug.value))
    return slugs


def test_every_kind_of_problem_is_documented() -> None:
    reference = (DOCS / "reference" / "errors.md").read_text()
    listed = set(re.findall(r"^\| \d{3} \| `([a-z-]+)`", reference, re.MULTILINE))
    assert problem_slugs() == listed
