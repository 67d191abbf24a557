"""Text that people and programs write, made fit for the record: one line, nothing unprintable."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field


def _line(text: str) -> str:
    """One line that can be read: dispatch systems send narratives with anything in them."""
    text = "".join(character if character.isprintable() else " " for character in text)
    text = " ".join(text.split())
    if not text:
        raise ValueError("is empty")
    return text


Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S"), AfterValidator(_line)]
"""A name, or a few words."""

Reason = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S"), AfterValidator(_line)]
"""A sentence or two."""
