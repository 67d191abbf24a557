"""What people wear stays in the locator: no answer and no message has a place for it."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from api import archive_schemas, schemas
from calibration import answer, inputs
from calibration.positions import FloorPositions

WEARS = re.compile(r"appear|embed|cloth|wear")


def names_within(made: Any, seen: set[Any] | None = None) -> set[str]:
    """Names of the fields of a dataclass and of all that it is made of."""
    seen = set() if seen is None else seen
    if made in seen:
        return set()
    seen.add(made)
    names: set[str] = set()
    for part in get_args(made):
        names |= names_within(part, seen)
    if is_dataclass(made) and isinstance(made, type):
        names |= {field.name for field in fields(made)}
        for hint in get_type_hints(made, vars(answer) | vars(inputs)).values():
            names |= names_within(hint, seen)
    return names


def test_the_answer_has_no_place_for_what_people_wear() -> None:
    names = names_within(answer.Answer)
    assert {"subjects", "entrances", "text", "walk_m"} <= names
    assert not [name for name in names if WEARS.search(name)]


def test_the_test_would_find_it() -> None:
    assert [field.name for field in fields(FloorPositions) if WEARS.search(field.name)]


def test_no_message_has_a_place_for_what_people_wear() -> None:
    messages = [
        made
        for module in (schemas, archive_schemas)
        for made in vars(module).values()
        if isinstance(made, type) and issubclass(made, BaseModel)
    ]
    assert len(messages) > 20
    names = {name for made in messages for name in made.model_fields}
    assert not [name for name in names if WEARS.search(name)]
