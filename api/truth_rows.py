"""Lines of a truth file whose every value is checked and whose every fault names its line."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import TruthError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file with a header.

    Attributes:
        path: the file.
        number: line number, from 1, the header counted.
        cells: the texts by column name.
    """

    path: Path
    number: int
    cells: Mapping[str, str]

    def error(self, field: str, why: str) -> TruthError:
        """An error that names the file, this line and `field`."""
        return TruthError(f"{self.path}: line {self.number}: {field}: {why}")

    def text(self, field: str) -> str:
        """The text of a column.

        Raises:
            TruthError: where it is empty.
        """
        text = self.cells[field]
        if not text:
            raise self.error(field, "is missing")
        return text

    def one_of(self, field: str, allowed: Collection[str]) -> str:
        """The text of a column, which must be among `allowed`.

        Raises:
            TruthError: where it is not, with the texts that are.
        """
        text = self.text(field)
        if text not in allowed:
            known = ", ".join(sorted(allowed)) or "none"
            raise self.error(field, f"{text!r} is unknown (known: {known})")
        return text

    def number_of(self, field: str, least: float = -math.inf, most: float = math.inf) -> float:
        """The number in a column, finite and from `least` to `most`.

        Raises:
            TruthError: where it is none or out of range.
        """
        text = self.text(field)
        try:
            value = float(text)
        except ValueError:
            raise self.error(field, f"{text!r} is not a number") from None
        if not math.isfinite(value):
            raise self.error(field, f"{text!r} is not a finite number")
        if not least <= value <= most:
            raise self.error(field, f"must be from {least:g} to {most:g}, got {text}")
        return value

    def whole(self, field: str, least: int) -> int:
        """The whole number in a column, at least `least`.

        Raises:
            TruthError: where it is none or smaller.
        """
        value = self.number_of(field, least=least)
        if value != round(value):
            raise self.error(field, f"must be a whole number, got {self.text(field)}")
        return round(value)


def read_rows(path: Path, columns: tuple[str, ...]) -> list[Row]:
    """Return the lines of the comma separated file `path` that has a header with `columns`.

    Further columns are allowed and left out; empty lines are skipped.

    Raises:
        TruthError: where the file cannot be read or the header lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file))
    except OSError as error:
        raise TruthError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TruthError(f"{path}: is not comma separated text: {error}") from error
    header = [cell.strip() for cell in lines[0]] if lines else []
    missing = [name for name in columns if name not in header]
    if missing:
        raise TruthError(
            f"{path}: line 1: column {missing[0]!r} is missing (a truth file begins with "
            f"{','.join(columns)})"
        )
    place = {name: header.index(name) for name in columns}
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        texts = {name: cells[i].strip() if i < len(cells) else "" for name, i in place.items()}
        rows.append(Row(path, number, texts))
    return rows
