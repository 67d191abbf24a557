"""What can go wrong in this package.

    CalibrationError
    ├── SiteError             a site folder has problems; `.problems` lists all of them
    ├── DegeneratePoints      landmarks that cannot fix a camera (also a ValueError)
    ├── SourceError           a file of a public data set that cannot be read as such
    │   └── MevaError         one of MEVA, in `import_meva`
    └── UnknownLevel          a level id that the floor plan does not have (also a KeyError)

A point above the horizon, a place behind a wall or an entrance that cannot be reached is daily
business and therefore a value, never an exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a site folder.

    Attributes:
        file: the file, relative to the site folder.
        field: where in the file, e.g. `lens.fx` or `feature 'room-104'.geometry`; empty where
            the whole file is meant.
        message: what is wrong and what would be right.
        severity: an error keeps the site from loading, a warning does not.
    """

    file: str
    field: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        place = f"{self.file}: {self.field}" if self.field else self.file
        return f"{place}: {self.message}"


class CalibrationError(Exception):
    """Anything this package refuses."""


class SiteError(CalibrationError):
    """A site folder that cannot be loaded.

    Attributes:
        problems: everything that is wrong, errors and warnings, in the order found.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        errors = [problem for problem in self.problems if problem.severity == "error"]
        count = f"{len(errors)} problems:\n  " if len(errors) > 1 else ""
        super().__init__(count + "\n  ".join(str(problem) for problem in errors))


class DegeneratePoints(CalibrationError, ValueError):  # noqa: N818 - reads as what it is
    """Points that do not fix a camera; the message says why and what to survey instead."""


class SourceError(CalibrationError, ValueError):
    """A file is not what its data set publishes; names it, what is wrong and what is right."""


class UnknownLevel(CalibrationError, KeyError):  # noqa: N818 - reads as what it is
    """A level id that the floor plan does not have."""

    def __init__(self, level: str, known: Iterable[str]) -> None:
        self.level = level
        super().__init__(f"unknown level {level!r}; the plan has {', '.join(sorted(known))}")

    def __str__(self) -> str:
        return str(self.args[0])
