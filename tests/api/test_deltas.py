"""What changed between two messages: the patch says all of it, and little more."""

from __future__ import annotations

import copy
import itertools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import examples
from api.confidential import without_cameras
from api.deltas import apply, delta, delta_message, message_after
from api.errors import DeltaError
from api.locations import Envelope, Places, last_seen_message
from api.schemas import LastSeen
from calibration.geodesy import Anchor, SiteFrame
from tests.api.replayed import START_S, answer, subject

if TYPE_CHECKING:
    from collections.abc import Callable

PLACES = Places(SiteFrame(Anchor(-85.5, 39.0, 90.0)), {"L1": "Ground floor"})


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 3}),  # what is the same is not told
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),  # null is a value
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({}, {"a": None}, {"a": None}),
        ({"a": [1, 2]}, {"a": []}, {"a": []}),
        ({"a": []}, {"a": [{"id": "x"}]}, {"a": [{"id": "x"}]}),
        (  # one of several things changed
            {"a": [{"id": "x", "n": 1, "m": 1}, {"id": "y", "n": 2, "m": 2}]},
            {"a": [{"id": "x", "n": 1, "m": 1}, {"id": "y", "n": 3, "m": 2}]},
            {"a": {"by": "id", "changed": {"y": {"n": 3}}}},
        ),
        (  # another order, one gone, one new
            {"a": [{"id": "x", "n": 1}, {"id": "y", "n": 2}, {"id": "z", "n": 3}]},
            {"a": [{"id": "z", "n": 3}, {"id": "w", "n": 4}, {"id": "x", "n": 1}]},
            {
                "a": {
                    "by": "id",
                    "order": ["z", "w", "x"],
                    "changed": {"w": {"id": "w", "n": 4}},
                }
            },
        ),
        (  # doors have numbers
            {"a": [{"door_number": "1", "n": 1}, {"door_number": "2", "n": 1}]},
            {"a": [{"door_number": "2", "n": 1}, {"door_number": "1", "n": 1}]},
            {"a": {"by": "door_number", "order": ["2", "1"], "changed": {}}},
        ),
        (  # two doors without one are told apart by their place
            {"a": [{"door_number": "", "n": 1}, {"door_number": "", "n": 1}]},
            {"a": [{"door_number": "", "n": 1}, {"door_number": "", "n": 2}]},
            {"a": {"changed": {"1": {"n": 2}}}},
        ),
        ({"a": [{"n": 1}]}, {"a": [{"n": 1}, {"n": 2}]}, {"a": [{"n": 1}, {"n": 2}]}),
        (  # a trail moves on
            {"a": [[0, 0], [1, 0], [2, 0], [3, 0]]},
            {"a": [[1, 0], [2, 0], [3, 0], [4, 0]]},
            {"a": {"keep": [1, 4], "add": [[4, 0]]}},
        ),
        (  # the end of a route follows the subject
            {"a": [[0, 0], [5, 0], [5, 5]]},
            {"a": [[0, 0], [5, 0], [5, 6], [6, 6]]},
            {"a": {"keep": [0, 2], "add": [[5, 6], [6, 6]]}},
        ),
        ({"a": ["x", "y", "z"]}, {"a": ["x", "y"]}, {"a": {"keep": [0, 2], "add": []}}),
        ({"a": [1.5, 2.5]}, {"a": [1.5, 2.6]}, {"a": [1.5, 2.6]}),  # shorter than what is kept
        ({"a": 1}, {"a": 1}, {}),
    ],
)
def test_patches(before: dict[str, Any], after: dict[str, Any], patch: dict[str, Any]) -> None:
    untouched = copy.deepcopy((before, after))
    assert delta(before, after) == patch
    assert apply(before, patch) == after
    assert (before, after) == untouched


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": 1, "b": 2}, {"a": 1}),  # a member has gone
        ({"a": [1]}, {"a": {"b": 1}}),  # an object in place of a list would be read as its patch
        ({"a": [{"id": "x", "n": 1}]}, {"a": [{"id": "x"}]}),
    ],
)
def test_what_no_patch_can_say_is_told_whole(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert delta(before, after) is None


@pytest.mark.parametrize(
    ("before", "patch"),
    [
        ({"a": [{"id": "x"}]}, {"a": {"by": "id", "order": ["x", "y"], "changed": {}}}),
        ({"a": [{"id": "x"}]}, {"a": {"by": "door_number", "changed": {}}}),
        ({"a": [{"n": 1}]}, {"a": {"changed": {"1": {"n": 2}}}}),
        ({"a": [1, 2]}, {"a": {"keep": [1, 3], "add": []}}),
        ({"a": [1, 2]}, {"a": {"b": 1}}),
    ],
)
def test_a_patch_for_something_else_is_noticed(
    before: dict[str, Any], patch: dict[str, Any]
) -> None:
    with pytest.raises(DeltaError):
        apply(before, patch)


# Any JSON whose members keep standing, which is what messages are


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-1, 1) | st.text("ab", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(
            st.fixed_dictionaries({"id": st.sampled_from("abcd"), "n": inner}),
            max_size=4,
            unique_by=lambda item: item["id"],
        )
        | st.fixed_dictionaries({"x": inner, "y": inner})
    ),
    max_leaves=12,
)
objects = st.fixed_dictionaries({"a": json_values, "b": json_values, "c": json_values})


@given(before=objects, after=objects)
@settings(max_examples=400, deadline=None)
def test_applying_what_changed_gives_what_is_now(before: Any, after: Any) -> None:
    patch = delta(before, after)
    if patch is not None:
        assert apply(before, json.loads(json.dumps(patch))) == after


points = st.tuples(st.integers(0, 3).map(float), st.integers(0, 3).map(float))
subjects = st.lists(
    st.builds(
        lambda name, place, trail, **changed: (name, place, trail, changed),
        st.sampled_from(["S1", "S2", "S3", "S4"]),
        points,
        st.lists(points, min_size=0, max_size=4).map(tuple),
        space=st.sampled_from(["west", None]),
        reasons=st.lists(st.sampled_from(["seen", "armed", "lost"]), max_size=3).map(tuple),
        cameras=st.lists(st.sampled_from(["c1", "c2"]), max_size=2).map(tuple),
    ),
    max_size=4,
    unique_by=lambda one: one[0],
)


def said(number: int, people: list[Any]) -> LastSeen:
    at_s = START_S + number / 10
    told = answer(
        at_s,
        *(
            subject(name, at_s=at_s, rank=rank, xy_m=xy_m, trail_m=trail, **changed)
            for rank, (name, xy_m, trail, changed) in enumerate(people, start=1)
        ),
    )
    return last_seen_message(told, PLACES, Envelope(number, "i", True, at_s + 0.3))


@given(people=st.lists(subjects, min_size=2, max_size=6), told=st.booleans())
@settings(max_examples=100, deadline=None)
def test_answers_can_be_followed_by_what_changed(people: list[Any], told: bool) -> None:
    full = [said(number, one) for number, one in enumerate(people, start=1)]
    messages = [(one if told else without_cameras(one)).model_dump(mode="json") for one in full]
    here = messages[0]
    for before, after in itertools.pairwise(messages):
        change = delta_message(before, after)
        assert change is not None  # messages have fixed fields
        here = message_after(here, json.loads(json.dumps(change)))
        assert here == after
        assert LastSeen.model_validate(here).model_dump(mode="json") == after


def told_in_the_how_to() -> Callable[[Any, Any], Any]:
    """The function by which the documentation applies what changed."""
    page = (Path(__file__).parents[2] / "docs/how-to/use-the-location-api.md").read_text()
    code = re.search(r"```python\n(def applied.*?)\n\n\n", page, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)  # noqa: S102 - our own documentation
    function: Callable[[Any, Any], Any] = names["applied"]
    return function


@given(before=objects, after=objects)
@settings(max_examples=100, deadline=None)
def test_the_few_lines_in_the_documentation_do_the_same(before: Any, after: Any) -> None:
    patch = delta(before, after)
    if patch is not None:
        assert told_in_the_how_to()(before, patch) == after


def test_a_change_is_for_the_message_that_it_names() -> None:
    one, two, three = (
        said(n, [("S1", (1.0, float(n)), (), {})]).model_dump(mode="json") for n in (1, 2, 3)
    )
    change = delta_message(two, three)
    assert change is not None
    assert change["base"] == 2
    with pytest.raises(DeltaError, match="changes message 2, and the one here is 1"):
        message_after(one, change)


def test_a_trail_is_not_told_anew() -> None:
    way = tuple((float(n), 2.0) for n in range(60))
    before, after = (
        said(n, [("S1", way[n + 30], way[n : n + 30], {})]).model_dump(mode="json") for n in (1, 2)
    )
    change = delta_message(before, after)
    assert change is not None
    trail = change["patch"]["subjects"]["changed"]["S1"]["trail"]
    assert trail["site_m"]["coordinates"] == {"keep": [1, 30], "add": [[31.0, 2.0]]}
    assert len(json.dumps(change)) < len(json.dumps(after)) / 3


def test_the_example_is_what_is_sent() -> None:
    fields = dict(line.split(": ", 1) for line in examples.DELTA_EVENTS.splitlines() if line)
    assert fields["event"] == "last-seen-delta"
    change = json.loads(fields["data"])
    after = message_after(examples.LAST_SEEN.model_dump(mode="json"), change)
    assert LastSeen.model_validate(after).sequence == int(fields["id"]) == change["base"] + 1
