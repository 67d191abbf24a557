"""Construction-time checks for the numpy columns that travel between stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class ColumnError(ValueError):
    """A column has the wrong shape or dtype; the message names both, expected and actual."""


def require_column(
    name: str,
    column: NDArray[Any],
    *,
    shape: Sequence[int | None],
    dtype: type[np.generic],
) -> None:
    """Raise unless `column` has `shape` (None matches any length) and exactly `dtype`.

    Raises:
        ColumnError: with the column's name and the expected and actual shape or dtype.
    """
    actual = column.shape
    if len(actual) != len(shape) or any(
        want is not None and want != got for want, got in zip(shape, actual, strict=True)
    ):
        raise ColumnError(f"{name}: expected shape {tuple(shape)}, got {actual}")
    if column.dtype != dtype:
        raise ColumnError(f"{name}: expected dtype {dtype.__name__}, got {column.dtype}")


def no_appearance() -> NDArray[np.float32]:
    """The appearance column of rows of which none is known: `(0, 0)`, whatever their number."""
    return np.zeros((0, 0), np.float32)


def require_appearance(column: NDArray[Any], count: int) -> NDArray[np.float32]:
    """The appearance column `(count, D)`; `(count, 0)` in the place of `no_appearance()`.

    Raises:
        ColumnError: if it has another number of rows, or is not float32.
    """
    if column.shape == (0, 0):
        column = np.zeros((count, 0), np.float32)
    require_column("appearance", column, shape=(count, None), dtype=np.float32)
    return column
