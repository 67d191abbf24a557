"""The disclosure record says what the audit says, and whether it is whole."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from api.audit_chain import Broken, Head
from api.checkpoints import Checkpoint
from api.disclosure import Disclosure, disclose, redacted
from api.errors import AuditError

MINUTE = "2026-03-02T09:{:02d}:00+00:00"
FROM_S = 1_772_442_000.0  # 2026-03-02 09:00 UTC
WHOLE = Head(40, "f" * 64)
EVIL = "<script>alert('x')</script>&\"'"

ASKED: dict[str, Any] = {
    "kind": "real",
    "target": "north-high",
    "channel": "911",
    "role": "principal",
    "emergency": "armed-person",
    "opened_by": "Principal <Doe>",
    "reason": "shots & smoke, seen on cam-02",
    "handled_by_staff": False,
    "confirmed_by": "Watch 2",
    "actor": "disp-7",
    "actor_role": "dispatcher",
    "actor_by": "session",
    "clause": "4.1",
    "because": "allowed by clause 4.1: an armed person is in the school",
    "agreement": {"title": "North County", "version": "3", "sha256": "a" * 64},
    "holder": "server",
}
OPENED = {**ASKED, "cameras": ["cam-01", "cam-02"], "until_s": FROM_S + 1800}


def told_by(*entries: tuple[str, dict[str, Any]], incident: str = "i1") -> list[dict[str, Any]]:
    """Entries of an audit, one a minute."""
    return [
        {
            "seq": number + 1,
            "at": MINUTE.format(number),
            "action": action,
            "incident": incident,
            **facts,
            "prev": "0" * 64,
            "hash": "1" * 64,
        }
        for number, (action, facts) in enumerate(entries)
    ]


WHOLE_STORY = told_by(
    ("request-confirmed", {"actor": "disp-8"}),
    ("grant-opened", OPENED),
    ("viewer-admitted", {"actor": "swat-1", "role": "tactical", "acts_as": "tactical"}),
    ("viewer-refused", {"actor": "press", "role": "analyst", "refusal": "not named"}),
    ("agency-responding", {"agency": "County Sheriff", "actor": "disp-7"}),
    ("agency-responding", {"agency": "City Police", "actor": "disp-7"}),
    ("picture-shown", {"camera": "cam-02", "what": "evidence of track 4", "actor": "swat-1"}),
    ("grant-extended", {"until_s": FROM_S + 3600, "actor": "disp-7", "extensions": 1}),
    ("extension-refused", {"actor": "disp-7", "refusal": "only one extension"}),
    ("grant-resumed", {"until_s": FROM_S + 3600}),
    ("agency-left", {"agency": "County Sheriff", "actor": "disp-7"}),
    ("close-refused", {"actor": "swat-1", "refusal": "whoever opened it closes it"}),
    ("grant-closed", {"closed_by": "disp-8", "reason": "all agencies left"}),
    ("hold-set", {"by": "county attorney", "reason": "case 12"}),
    ("kept-record-shown", {"actor": "auditor-1", "number": 3}),
    ("hold-released", {"by": "county attorney", "reason": "case closed"}),
    ("purged", {"by": "lastseen", "records": 12, "bytes": 4096, "reason": "30 days are over"}),
)


def story() -> Disclosure:
    return disclose(WHOLE_STORY, "i1", WHOLE)


class Page(HTMLParser):
    """The text of a page and its elements; fails on what would need a network or a script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "img", "link", "iframe", "object", "a", "form"}
        assert not {name for name, _ in attrs} & {"src", "href", "onload", "onclick", "style"}
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def row(self, name: str) -> str:
        """What stands beside a heading of a row."""
        words = [part.strip() for part in self.text if part.strip()]
        return words[words.index(name) + 1]


def test_the_record_says_who_asked_and_on_whose_authority() -> None:
    told = story()
    assert (told.kind, told.target, told.emergency) == ("real", "north-high", "armed-person")
    assert (told.asked_by, told.role, told.channel) == ("Principal <Doe>", "principal", "911")
    assert (told.actor, told.actor_role, told.actor_by) == ("disp-7", "dispatcher", "session")
    assert (told.relayed, told.confirmed_by, told.handled_by_staff) == (True, "Watch 2", False)
    assert told.agreement is not None
    assert (told.agreement.title, told.agreement.version) == ("North County", "3")
    assert told.agreement.sha256 == "a" * 64
    assert (told.clause, told.because) == ("4.1", ASKED["because"])


def test_the_record_says_what_was_granted_and_how_it_ended() -> None:
    told = story()
    assert (told.granted, told.refusal, told.cameras) == (True, None, ("cam-01", "cam-02"))
    assert (told.opened_at, told.planned_end) == (MINUTE.format(1), MINUTE.format(30))
    assert [(one.at, one.by, one.until) for one in told.extensions] == [
        (MINUTE.format(7), "disp-7", "2026-03-02T10:00:00+00:00")
    ]
    assert (told.closed_at, told.closed_by) == (MINUTE.format(12), "disp-8")
    assert told.closing_reason == "all agencies left"
    assert [(one.name, one.came_at, one.left_at) for one in told.agencies] == [
        ("County Sheriff", MINUTE.format(4), MINUTE.format(10)),
        ("City Police", MINUTE.format(5), None),
    ]


def test_the_record_says_who_watched_and_what_was_kept() -> None:
    told = story()
    assert [(one.name, one.acts_as, one.refusal) for one in told.viewers] == [
        ("swat-1", "tactical", None),
        ("press", None, "not named"),
    ]
    assert [(one.camera, one.what, one.to) for one in told.shown] == [
        ("cam-02", "evidence of track 4", "swat-1")
    ]
    assert [(one.by, one.what) for one in told.kept] == [
        ("county attorney", "put on hold: case 12"),
        ("auditor-1", "a record was shown: number 3"),
        ("county attorney", "released from its hold: case closed"),
        ("lastseen", "purged: records 12, bytes 4096, 30 days are over"),
    ]
    assert (told.held, told.purged_at) == (False, MINUTE.format(16))
    assert [(one.by, one.what) for one in told.steps] == [
        ("disp-8", "request confirmed"),
        ("disp-7", "extension refused: only one extension"),
        (None, "grant resumed: until 2026-03-02T10:00:00+00:00"),
        ("swat-1", "close refused: whoever opened it closes it"),
    ]
    assert told.entries == tuple(range(1, 18))


def test_every_entry_of_an_incident_is_somewhere_on_the_record() -> None:
    """What a later version writes, and this one does not know, is told all the same."""
    [step] = disclose(
        told_by(("camera-turned", {"actor": "x", "by_deg": 90, "why": EVIL, "list": [1, "a"]})),
        "i1",
        WHOLE,
    ).steps
    assert (step.by, step.what) == ("x", f'camera turned: by deg 90, why {EVIL}, list [1, "a"]')


@pytest.mark.parametrize(
    ("asked", "relayed"),
    [
        ({"actor": "disp-7", "opened_by": "Principal Doe"}, True),
        ({"actor": "disp-7", "opened_by": "disp-7"}, False),
        ({"actor": "disp-7", "actor_name": "Dana Poe", "opened_by": "Dana Poe"}, False),
        ({"opened_by": "Principal Doe"}, False),
        ({"actor": "disp-7"}, False),
    ],
)
def test_who_asked_in_the_name_of_another_relayed_it(asked: dict[str, Any], relayed: bool) -> None:
    assert disclose(told_by(("grant-opened", asked)), "i1", WHOLE).relayed is relayed


def test_a_refused_request_says_why_and_opens_nothing() -> None:
    entries = told_by(
        ("grant-refused", {**ASKED, "refusal": "clause 5.2 refuses"}),
        ("grant-refused", {"refusal": "again", "actor": "disp-7"}),
    )
    told = disclose(entries, "i1", WHOLE)
    assert (told.granted, told.refusal, told.cameras) == (False, "clause 5.2 refuses", ())
    assert (told.opened_at, told.planned_end, told.closed_at) == (None, None, None)
    assert [one.what for one in told.steps] == ["grant refused: again"]
    page = Page(told.as_html())
    assert page.row("Answer") == "Refused"
    assert page.row("Why") == "clause 5.2 refuses"
    assert "Cameras opened" not in page.text


def test_a_refusal_that_was_followed_by_a_grant_is_a_step_of_it() -> None:
    entries = told_by(("grant-refused", {"refusal": "not confirmed"}), ("grant-opened", OPENED))
    told = disclose(entries, "i1", WHOLE)
    assert (told.granted, told.refusal) == (True, None)
    assert [one.what for one in told.steps] == ["grant refused: not confirmed"]


def test_an_open_one_has_no_end() -> None:
    told = disclose(told_by(("grant-opened", OPENED)), "i1", WHOLE)
    assert (told.closed_at, told.closed_by, told.closing_reason) == (None, None, None)
    assert "no end on record" in told.as_html()


def test_one_on_hold_is_held_until_it_is_released() -> None:
    told = disclose(told_by(("hold-set", {}), ("hold-released", {}), ("hold-set", {})), "i1", WHOLE)
    assert told.held
    assert "On hold" in told.as_html()


def test_an_agency_that_came_back_is_there_twice() -> None:
    came, left = ("agency-responding", {"agency": "A"}), ("agency-left", {"agency": "A"})
    told = disclose(told_by(came, came, left, came, ("agency-left", {"agency": "B"})), "i1", WHOLE)
    assert [(one.name, one.came_at, one.left_at) for one in told.agencies] == [
        ("A", MINUTE.format(0), MINUTE.format(2)),
        ("A", MINUTE.format(3), None),
        ("B", None, MINUTE.format(4)),
    ]


def test_only_its_own_entries_are_told() -> None:
    other = told_by(("grant-opened", {**OPENED, "target": "south"}), incident="i2")
    told = disclose([*other, *WHOLE_STORY], "i1", WHOLE)
    assert told == story()
    with pytest.raises(AuditError, match="'i3' is not in the audit"):
        disclose(WHOLE_STORY, "i3", WHOLE)


@pytest.mark.parametrize("action", ["grant-opened", "grant-refused", "grant-closed", "anything"])
def test_what_is_missing_is_not_recorded(action: str) -> None:
    told = disclose([{"incident": "i1", "action": action}], "i1", WHOLE)
    assert (told.asked_by, told.actor, told.reason, told.agreement) == (None, None, None, None)
    page = Page(told.as_html())
    assert page.row("Asked by") == "not recorded"
    assert page.row("Sent by") == "not recorded"
    assert page.row("Agreement") == "not recorded"
    assert page.text.count("not recorded") > 8


_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.lists(st.text(max_size=5), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@given(st.integers(0, len(WHOLE_STORY) - 1), st.data())
def test_facts_of_any_kind_make_a_record(which: int, data: st.DataObject) -> None:
    entries = [dict(entry) for entry in WHOLE_STORY]
    for key in set(entries[which]) - {"incident", "action"}:
        entries[which][key] = data.draw(_JUNK)
    told = redacted(
        disclose(entries, "i1", WHOLE),
        hide_cameras=data.draw(st.booleans()),
        hide_retention=data.draw(st.booleans()),
    )
    json.loads(told.as_json())
    Page(told.as_html())


def test_the_page_escapes_every_value_and_needs_no_network() -> None:
    kept = {"incident", "action", "seq"}
    bent = [
        {key: value if key in kept else _evil(value) for key, value in entry.items()}
        for entry in WHOLE_STORY
    ]
    checkpoint = Checkpoint(17, EVIL, EVIL, EVIL, EVIL)
    for entries in (bent, told_by(("grant-refused", {"refusal": EVIL}))):
        for chain in (WHOLE, Broken(3, EVIL, Head(2))):
            page = disclose(entries, "i1", chain, checkpoint=checkpoint).as_html()
            assert "<script" not in page
            assert EVIL in "".join(Page(page).text)
            assert "default-src 'none'" in page
            assert not re.search(r"https?:|url\(|@import", page)


def _evil(value: object) -> object:
    if isinstance(value, dict):
        return dict.fromkeys(value, EVIL)
    return [EVIL] if isinstance(value, list) else EVIL


def test_the_record_says_who_watched_a_stream_and_for_how_long() -> None:
    live = {"camera": "cam-01", "how": "live", "actor": "swat-1"}
    told = disclose(
        told_by(
            ("grant-opened", OPENED),
            ("stream-started", live),
            ("stream-ended", live | {"seconds": 61.2, "why": "the viewer left"}),
        ),
        "i1",
        WHOLE,
    )
    assert [(one.camera, one.what, one.to) for one in told.shown] == [
        ("cam-01", "its stream from here on (live)", "swat-1"),
        ("cam-01", "its stream until here, 61.2 s (live; the viewer left)", "swat-1"),
    ]
    assert told.steps == ()
    hidden = redacted(told, hide_cameras=True)
    assert "cam-0" not in hidden.as_json()


def test_the_page_is_for_people() -> None:
    page = Page(story().as_html())
    assert page.row("Asked by") == "Principal <Doe>"
    assert "disp-7, dispatcher, recognised by session, in the name of Principal <Doe>" in page.text
    assert page.row("Opened") == "2026-03-02 09:01:00 UTC"
    assert page.row("Ended") == "2026-03-02 09:12:00 UTC by disp-8: all agencies left"
    assert "No entry of the audit was bent." in page.text
    assert "Emergency i1" in page.text
    assert page.tags.count("h1") == 1
    assert "@media print" in "".join(page.text)


def test_a_bent_audit_is_said_on_the_record() -> None:
    checkpoint = Checkpoint(17, "f" * 64, MINUTE.format(30), "key", "signature")
    told = disclose(
        WHOLE_STORY, "i1", Broken(4, "entry 4 was changed", Head(3)), checkpoint=checkpoint
    )
    assert (told.whole, told.record) == (False, "the audit is bent: entry 4 was changed")
    assert (told.signed_until, told.signed_at, told.signed_with) == (None, None, None)
    assert 'class="state bent"' in told.as_html()


@pytest.mark.parametrize(("seq", "all_of_it"), [(17, True), (16, False)])
def test_a_checkpoint_says_how_far_it_is_signed(seq: int, all_of_it: bool) -> None:
    checkpoint = Checkpoint(seq, "f" * 64, MINUTE.format(30), "key", "signature")
    told = disclose(WHOLE_STORY, "i1", WHOLE, checkpoint=checkpoint)
    assert (told.signed_until, told.signed_at, told.signed_with) == (seq, MINUTE.format(30), "key")
    assert ("all of this incident among them" in told.as_html()) is all_of_it
    assert "no checkpoint was held against it" in story().as_html()


def test_a_copy_without_the_cameras_tells_neither_which_nor_how_many() -> None:
    told = story()
    assert redacted(told, hide_cameras=False) is told
    hidden = redacted(told, hide_cameras=True)
    assert hidden.cameras_hidden
    for text in (hidden.as_json(), hidden.as_html()):
        assert "cam-0" not in text
    assert hidden.reason == "shots & smoke, seen on [a camera]"
    assert (hidden.cameras, hidden.shown[0].camera) == ((), None)
    assert len(hidden.shown) == 1
    assert Page(hidden.as_html()).row("Cameras opened") == "not told in this copy"
    assert (hidden.actor, hidden.entries, hidden.closed_at) == (
        told.actor,
        told.entries,
        told.closed_at,
    )


def test_a_copy_without_the_retention_has_nothing_of_a_purge() -> None:
    entries = told_by(
        ("grant-opened", OPENED),
        ("hold-set", {"actor": "ada", "reason": "case 12"}),
        ("purge-refused", {"by": "root", "reason": "30 days are over", "refusal": "on hold"}),
        ("hold-released", {"actor": "ada"}),
        ("purge-begun", {"by": "lastseen", "reason": "it was kept for 30 days"}),
        ("purged", {"by": "lastseen", "retention_days": 30.0, "records": 12}),
        ("disclosure-read", {"actor": "pat"}),
    )
    told = disclose(entries, "i1", WHOLE)
    assert [(one.action, one.entry) for one in told.kept] == [
        ("hold-set", 2), ("purge-refused", 3), ("hold-released", 4), ("purged", 6),
    ]  # fmt: skip
    hidden = redacted(told, hide_cameras=False, hide_retention=True)
    assert (hidden.retention_hidden, hidden.purged_at) == (True, None)
    assert [one.what for one in hidden.kept] == [
        "put on hold: case 12", "released from its hold",
    ]  # fmt: skip
    assert [one.action for one in hidden.steps] == ["disclosure-read"]
    assert hidden.entries == (1, 2, 4, 7)
    assert hidden.cameras == told.cameras
    for text in (hidden.as_json(), hidden.as_html()):
        assert "30" not in text.replace("09:30:00", "")
    page = "".join(Page(hidden.as_html()).text)
    assert "Whether and when it was purged is not told in this copy." in page
    both = redacted(told, hide_cameras=True, hide_retention=True)
    assert (both.cameras_hidden, both.retention_hidden) == (True, True)
    assert not told.retention_hidden


@pytest.mark.parametrize(
    ("cameras", "written", "read"),
    [
        (["cam-1"], "look at CAM-1, not cam-10", "look at [a camera], not cam-10"),
        (["1", "10"], "cameras 1, 10 and 100", "cameras [a camera], [a camera] and 100"),
        (["a.b"], "a.b but not axb", "[a camera] but not axb"),
        ([], "nothing of it", "nothing of it"),
    ],
)
def test_camera_ids_are_struck_out_of_what_people_wrote(
    cameras: list[str], written: str, read: str
) -> None:
    entries = told_by(
        ("grant-opened", {"cameras": cameras, "reason": written, "until_s": FROM_S}),
        ("note", {"text": written}),
    )
    hidden = redacted(disclose(entries, "i1", WHOLE))
    assert hidden.reason == read
    assert hidden.steps[0].what == f"note: text {read}"
    assert hidden.planned_end == MINUTE.format(0)


def test_the_record_has_a_schema() -> None:
    """The location API answers with it."""
    adapter = TypeAdapter(Disclosure)
    assert adapter.validate_python(json.loads(story().as_json())) == story()
    assert "signed_with" in adapter.json_schema()["properties"]
