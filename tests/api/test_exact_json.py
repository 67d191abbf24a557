"""Values written as JSON come back to the last bit, and what cannot is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from api.exact_json import canonical_json, exact_json, made_of
from calibration.inputs import FriendlyReport, Mark
from calibration.positions import FloorPositions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    NumericArray = NDArray[np.float64] | NDArray[np.float32]


@dataclass(frozen=True)
class Holder:
    column: object
    name: str = "it"
    pair: tuple[float, float] | None = None


def back(holder: Holder) -> Holder:
    return made_of(Holder, json.loads(exact_json(holder)))


SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=12)


@given(
    st.sampled_from(["<f8", "<f4", ">f8", "<i8", "|u1", "|b1"]).flatmap(
        lambda dtype: arrays.arrays(np.dtype(dtype), SHAPES)
    )
)
def test_a_column_comes_back_bit_for_bit(column: NDArray[np.generic]) -> None:
    read = back(Holder(column)).column
    assert isinstance(read, np.ndarray)
    assert read.dtype == column.dtype.newbyteorder("=")
    assert read.shape == column.shape
    if column.dtype.kind == "f":  # the bits of a NaN may differ; that it is one may not
        np.testing.assert_array_equal(read, column)
    else:
        assert read.tobytes() == column.tobytes()


@given(st.floats(), st.floats())
def test_a_number_comes_back_as_it_was(x: float, y: float) -> None:
    read = back(Holder(None, pair=(x, y))).pair
    assert read is not None
    np.testing.assert_array_equal(read, (x, y))
    real = ~np.isnan((x, y))
    assert np.signbit(read)[real].tolist() == np.signbit((x, y))[real].tolist()


def test_wide_columns_of_short_floats_are_short() -> None:
    looks = np.random.default_rng(0).normal(size=(3, 512)).astype(np.float32)
    assert len(exact_json(Holder(looks))) < 1.4 * looks.nbytes
    np.testing.assert_array_equal(back(Holder(looks)).column, looks)


def test_nobody_in_a_frame_keeps_the_shape_of_the_columns() -> None:
    nobody = np.zeros(0)
    frame = FloorPositions(
        "cam", "L1", 3, 1.1, np.zeros((0, 2)), np.zeros((0, 2, 2)), np.zeros(0, np.bool_),
        np.zeros(0, np.float32), np.zeros(0, np.int64), nobody,
    )  # fmt: skip
    read = made_of(FloorPositions, json.loads(exact_json(frame)))
    assert read.cov_m2.shape == (0, 2, 2)
    assert (read.camera, read.frame_index, read.captured_at_s) == ("cam", 3, 1.1)


@pytest.mark.parametrize(
    "said",
    [
        Mark("confirm", "S3", 1_772_442_000.1, 1, "dispatcher"),
        FriendlyReport("Unit 12", None, (0.1, -3.25), 4.7, 1_772_442_000.1),
    ],
)
def test_what_operators_say_comes_back_equal(said: Mark | FriendlyReport) -> None:
    assert made_of(type(said), json.loads(exact_json(said))) == said


def test_the_order_of_keys_does_not_count_and_that_of_items_does() -> None:
    assert canonical_json({"a": 1, "b": [1, 2]}) == canonical_json({"b": [1, 2], "a": 1})
    assert canonical_json([1, 2]) != canonical_json([2, 1])
    assert canonical_json(0.0) != canonical_json(-0.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"column": 1, "colour": 2}, "colour: Holder has no such field"),
        ({"name": "x"}, "column: is missing"),
        ({"column": {"dtype": "<f8", "shape": [2], "values": [1.0]}}, "column: is no column"),
        ({"column": {"dtype": "O", "shape": [1], "values": [1.0]}}, "is no type of a column"),
        ({"column": {"dtype": "<f4", "shape": [1], "base64": "!"}}, "column: is no column"),
        ({"column": {"shape": [1], "values": [1.0]}}, "dtype is missing"),
    ],
)
def test_what_is_not_as_it_was_written_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made_of(Holder, values)


@pytest.mark.parametrize("value", [np.array(["a"]), object(), {1, "a"}, b"bytes"])
def test_what_has_no_exact_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        exact_json(value)
