"""Checkpoints: what was signed once cannot be made anew, cut off or passed off as another."""

from __future__ import annotations

import json
import multiprocessing
import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import delete, insert, update

from api.audit import Audit
from api.audit_chain import Broken, Head, link
from api.checkpoint_document import public_key_of, sign_head
from api.checkpoints import (
    Checkpoint,
    Checkpoints,
    verify_all,
    verify_checkpoint,
    verify_copy,
    verify_since_checkpoint,
)
from api.errors import AuditError, StateError
from api.keys import Keys
from api.store import open_store
from api.store_tables import AUDIT, CHECKPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.store import Store

AT_S = 1_772_442_000.0
AT = "2026-03-02T09:00:00+00:00"
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.fixture
def audit(store: Store) -> Audit:
    """An audit of five entries."""
    audit = Audit(store)
    add(audit, 5)
    return audit


@pytest.fixture
def checkpoints(store: Store, audit: Audit, tmp_path: Path) -> Checkpoints:
    return Checkpoints(store, Keys(tmp_path / "state"), audit)


def add(audit: Audit, count: int) -> None:
    for number in range(count):
        audit.append("step", AT_S, {"number": number})


def keep(store: Store, checkpoint: Checkpoint, seq: int | None = None) -> None:
    """Put a checkpoint into the database, as whoever can write to it may."""
    row = {"seq": seq or checkpoint.seq, "document": checkpoint.as_json()}
    with store.writing() as connection:
        connection.execute(delete(CHECKPOINTS).where(CHECKPOINTS.c.seq == row["seq"]))
        connection.execute(insert(CHECKPOINTS), row)


def make_anew(store: Store, count: int, **facts: object) -> None:
    """Another chain in the place of the one that was there; every hash in it fits."""
    head, rows = Head(), []
    for _ in range(count):
        line, head = link(head, AT, "step", facts)
        row = {"seq": head.seq, "action": "step", "incident": None}
        rows.append({**row, "line": line.decode().strip()})
    with store.writing() as connection:
        connection.execute(delete(AUDIT))
        connection.execute(insert(AUDIT), rows)


def cut_off(store: Store, after: int) -> None:
    with store.writing() as connection:
        connection.execute(delete(AUDIT).where(AUDIT.c.seq > after))


def forget_all(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(delete(CHECKPOINTS))


def bend(store: Store, seq: int) -> None:
    with store.writing() as connection:
        connection.execute(update(AUDIT).where(AUDIT.c.seq == seq).values(action="walk"))


def broken(found: Head | Broken) -> Broken:
    assert isinstance(found, Broken)
    return found


def test_what_is_signed_is_the_end_of_the_chain(audit: Audit, checkpoints: Checkpoints) -> None:
    assert checkpoints.latest() is None
    signed = checkpoints.sign(AT_S)
    assert (signed.seq, signed.hash, signed.at) == (5, audit.head().hash, AT)
    told = json.loads(signed.as_json())
    assert told == signed.document()
    assert (told["schema"], told["public_key"]) == (1, checkpoints.public_key())
    assert verify_checkpoint(signed.as_json()) == signed
    assert verify_checkpoint(signed.as_json().encode(), checkpoints.public_key()) == signed
    assert checkpoints.latest() == signed
    assert checkpoints.all() == (signed,)


def test_the_signed_bytes_are_those_that_are_documented(checkpoints: Checkpoints) -> None:
    """Whoever checks a copy with another program must get along with the documentation."""
    signed = checkpoints.sign(AT_S)
    key = Ed25519PublicKey.from_public_bytes(b64decode(signed.public_key))
    said = f"lastseen audit checkpoint\n{signed.seq}\n{signed.hash}\n{signed.at}\n"
    key.verify(b64decode(signed.signature), said.encode())


def test_nothing_is_signed_twice(audit: Audit, checkpoints: Checkpoints) -> None:
    first = checkpoints.sign(AT_S)
    assert checkpoints.sign(AT_S + 60) == first
    add(audit, 1)
    second = checkpoints.sign(AT_S + 60)
    assert (second.seq, second.at) == (6, "2026-03-02T09:01:00+00:00")
    assert checkpoints.all() == (first, second)
    assert checkpoints.latest() == second


def sign_once(state: Path, url: str | None) -> None:
    store = open_store(state, url)
    Checkpoints(store, Keys(state), Audit(store)).sign(AT_S)
    store.close()


def test_processes_that_sign_at_once_keep_one(
    checkpoints: Checkpoints, tmp_path: Path, database_url: str | None
) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (tmp_path / "state", database_url)
    signers = [context.Process(target=sign_once, args=arguments) for _ in range(4)]
    for process in signers:
        process.start()
    for process in signers:
        process.join(120)
        assert process.exitcode == 0
    kept = checkpoints.all()
    assert [one.seq for one in kept] == [5]
    assert kept[0].public_key == checkpoints.public_key()


def test_nothing_is_signed_that_is_not_there_or_was_bent(
    store: Store, tmp_path: Path, audit: Audit, checkpoints: Checkpoints
) -> None:
    bend(store, 3)
    with pytest.raises(AuditError, match="entry 3 of the audit was bent"):
        checkpoints.sign(AT_S)
    cut_off(store, 0)
    with pytest.raises(AuditError, match="nothing to sign"):
        checkpoints.sign(AT_S)
    assert checkpoints.all() == ()


def test_a_strangers_checkpoint_is_not_taken_for_ours(
    store: Store, audit: Audit, checkpoints: Checkpoints
) -> None:
    keep(store, sign_head(OTHER_KEY, audit.head(), AT))
    with pytest.raises(AuditError, match="not by"):
        checkpoints.sign(AT_S)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seq": 6}, "does not fit"),
        ({"hash": "0" * 64}, "does not fit"),
        ({"at": "2026-03-02T09:00:01+00:00"}, "does not fit"),
        ({"signature": b64encode(bytes(64)).decode()}, "does not fit"),
        ({"public_key": public_key_of(OTHER_KEY)}, "does not fit"),
        ({"public_key": b64encode(b"\xff" * 32).decode()}, "does not fit"),
        ({"seq": True}, "seq is not of the right kind"),
        ({"seq": 5.0}, "seq is not of the right kind"),
        ({"seq": 0}, "that of no entry"),
        ({"hash": "A" * 64}, "that of no entry"),
        ({"hash": "0" * 64 + "\n"}, "that of no entry"),
        ({"at": "yesterday"}, "not a moment"),
        ({"at": "2026-03-02\n09:00:00+00:00"}, "not a moment"),
        ({"at": None}, "at is not of the right kind"),
        ({"schema": 2}, "not of schema 1"),
        ({"public_key": "?"}, "public_key is not base64"),
        ({"public_key": "AAAA"}, "3 bytes where 32"),
        ({"signature": "AAAA"}, "3 bytes where 64"),
        ({"signature": "ü"}, "signature is not base64"),
        ({"note": "more"}, "is an object of"),
    ],
)
def test_a_document_that_was_changed_is_refused(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    signed = sign_head(Keys(tmp_path).signing(), Head(5, "5" * 64), AT)
    with pytest.raises(AuditError, match=said):
        verify_checkpoint(json.dumps({**signed.document(), **changed}))


@pytest.mark.parametrize("document", ["", "[]", "7", "{}", "[" * 100_000, b"\xff\xfe", '{"seq":1}'])
def test_what_is_no_document_is_refused(document: str | bytes) -> None:
    with pytest.raises(AuditError, match="checkpoint"):
        verify_checkpoint(document)


def test_only_the_trusted_key_counts_where_one_is_named(checkpoints: Checkpoints) -> None:
    theirs = sign_head(OTHER_KEY, Head(5, "5" * 64), AT).as_json()
    assert verify_checkpoint(theirs).public_key == public_key_of(OTHER_KEY)
    with pytest.raises(AuditError, match="not by"):
        verify_checkpoint(theirs, checkpoints.public_key())
    with pytest.raises(AuditError, match="the key is not base64"):
        verify_checkpoint(theirs, "our key")


def test_a_whole_audit_fits_its_checkpoints(audit: Audit, checkpoints: Checkpoints) -> None:
    assert verify_all(audit, checkpoints) == audit.head()
    assert verify_since_checkpoint(audit, checkpoints) == audit.head()
    first = checkpoints.sign(AT_S)
    add(audit, 3)
    checkpoints.sign(AT_S)
    add(audit, 2)
    head = audit.head()
    assert head.seq == 10
    ours = checkpoints.public_key()
    assert verify_all(audit, checkpoints, trusted_key=ours, noted=first.hash) == head
    assert verify_since_checkpoint(audit, checkpoints) == head
    assert verify_copy(audit.lines(), [first]) == head
    assert "noted" in broken(verify_all(audit, checkpoints, noted="f" * 64)).what
    with pytest.raises(AuditError, match="the key has 3 bytes"):
        verify_all(audit, checkpoints, trusted_key="AAAA")


@pytest.mark.parametrize(
    ("done", "line", "said"),
    [
        (lambda store: bend(store, 2), 2, "columns beside entry 2"),
        (lambda store: bend(store, 7), 7, "columns beside entry 7"),
        (lambda store: cut_off(store, 7), 8, "entry 8, signed at 2026.*lies beyond the end"),
        (lambda store: cut_off(store, 4), 5, "entry 5, signed at 2026.*lies beyond the end"),
        (lambda store: make_anew(store, 10, who="B"), 5, "entry 5, .* names another hash"),
        (lambda store: make_anew(store, 2, who="B"), 3, "lies beyond the end"),
    ],
    ids=[
        "bent before",
        "bent",
        "newest beyond the end",
        "all beyond the end",
        "anew",
        "anew, less",
    ],
)
def test_what_contradicts_a_checkpoint_is_found_where_it_is(
    store: Store,
    audit: Audit,
    checkpoints: Checkpoints,
    done: Callable[[Store], None],
    line: int,
    said: str,
) -> None:
    checkpoints.sign(AT_S)
    add(audit, 3)
    elsewhere = [checkpoints.sign(AT_S)]
    add(audit, 2)
    done(store)
    found = broken(verify_all(audit, checkpoints))
    assert found.line == line
    assert found.good.seq == line - 1
    assert re.search(said, found.what)
    # Those who hold a copy find the same where the columns beside the line are not concerned.
    copy = verify_copy(audit.lines(), elsewhere)
    assert isinstance(copy, Broken) or "columns" in said


def test_checkpoints_that_went_with_the_chain_are_found_by_the_copy_elsewhere(
    store: Store, audit: Audit, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    elsewhere = checkpoints.sign(AT_S)
    make_anew(store, 9, who="B")
    forget_all(store)
    (tmp_path / "state" / "keys" / "last-checkpoint.json").unlink()  # by whoever has the keys
    assert isinstance(verify_all(audit, checkpoints), Head)
    found = broken(verify_all(audit, checkpoints, others=[elsewhere]))
    assert found.line == 5
    assert "names another hash" in found.what


@pytest.mark.parametrize("trusted", [False, True])
def test_a_strangers_signature_counts_only_where_no_key_is_named(
    store: Store, audit: Audit, checkpoints: Checkpoints, trusted: bool
) -> None:
    keep(store, sign_head(OTHER_KEY, audit.head(), AT))
    assert checkpoints.latest() is None  # it fits, and vouches for nothing here
    assert checkpoints.other_keys() == (public_key_of(OTHER_KEY),)
    key = checkpoints.public_key() if trusted else None
    found = verify_all(audit, checkpoints, trusted_key=key)
    if trusted:
        assert broken(found).line == 5
        assert "not by" in broken(found).what
    else:
        assert found == audit.head()


@pytest.mark.parametrize(("seq", "line"), [(4, 4), (9, 6)])
def test_a_checkpoint_beside_another_entry_is_found(
    store: Store, audit: Audit, checkpoints: Checkpoints, seq: int, line: int
) -> None:
    keep(store, checkpoints.sign(AT_S), seq)
    found = broken(verify_all(audit, checkpoints))
    assert found.line == line
    assert f"beside entry {seq} stands the checkpoint of entry 5" in found.what
    with pytest.raises(AuditError, match="beside entry"):
        checkpoints.all()


def test_a_changed_signature_is_found(store: Store, audit: Audit, checkpoints: Checkpoints) -> None:
    signed = checkpoints.sign(AT_S)
    document = signed.as_json().replace("09:00:00", "10:00:00")
    with store.writing() as connection:
        connection.execute(update(CHECKPOINTS).values(document=document))
    assert "its signature does not fit" in broken(verify_all(audit, checkpoints)).what
    assert checkpoints.latest() is None
    # What was signed last lies beside the keys as well, and that is enough to go on from.
    assert verify_since_checkpoint(audit, checkpoints) == audit.head()


def looked_at(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """After which entry each verification began."""
    begun: list[int] = []
    verify = audit.verify

    def noted(*arguments: Any, after: Head | None = None, **more: Any) -> Head | Broken:
        begun.append(0 if after is None else after.seq)
        return verify(*arguments, after=after, **more)

    monkeypatch.setattr(audit, "verify", noted)
    return begun


def test_a_start_looks_at_what_is_new_only(
    store: Store, audit: Audit, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.sign(AT_S)
    add(audit, 3)
    begun = looked_at(audit, monkeypatch)
    assert verify_since_checkpoint(audit, checkpoints) == audit.head()
    assert begun == [5]
    keep(store, sign_head(OTHER_KEY, audit.head(), AT))
    assert verify_since_checkpoint(audit, checkpoints) == audit.head()
    assert begun == [5, 5]  # the stranger's, newer one proves nothing
    bend(store, 7)
    assert broken(verify_since_checkpoint(audit, checkpoints)).line == 7
    assert begun == [5, 5, 5]


@pytest.mark.parametrize(
    ("done", "line"),
    [
        (lambda store: cut_off(store, 4), 5),
        (lambda store: make_anew(store, 8, who="B"), 5),
    ],
    ids=["cut off", "made anew"],
)
def test_a_start_looks_at_everything_where_what_was_signed_is_not_there(
    store: Store,
    audit: Audit,
    checkpoints: Checkpoints,
    monkeypatch: pytest.MonkeyPatch,
    done: Callable[[Store], None],
    line: int,
) -> None:
    checkpoints.sign(AT_S)
    add(audit, 3)
    done(store)
    begun = looked_at(audit, monkeypatch)
    assert broken(verify_since_checkpoint(audit, checkpoints)).line == line
    assert begun == [0]


def test_a_start_with_another_key_looks_at_everything(
    store: Store, audit: Audit, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    checkpoints.sign(AT_S)
    restored = Checkpoints(store, Keys(tmp_path / "another"), audit)
    assert verify_since_checkpoint(audit, restored) == audit.head()
    bend(store, 2)
    assert isinstance(verify_since_checkpoint(audit, checkpoints), Head)  # it was signed over
    assert broken(verify_since_checkpoint(audit, restored)).line == 2


@pytest.mark.parametrize("since", [None, 1, 4, 7])
@pytest.mark.parametrize("left", ["none", "another's", "ours of before"])
def test_what_was_signed_here_is_never_signed_otherwise(
    store: Store, audit: Audit, checkpoints: Checkpoints, since: int | None, left: str
) -> None:
    """Whoever writes the database makes all of it anew, and takes or gives checkpoints."""
    first = checkpoints.sign(AT_S)
    add(audit, 3)
    checkpoints.sign(AT_S)
    make_anew(store, 12, who="B")
    forget_all(store)
    if left == "another's":
        keep(store, sign_head(OTHER_KEY, audit.head(), AT))
    elif left == "ours of before":
        keep(store, first)
    found = broken(verify_since_checkpoint(audit, checkpoints, since))
    assert found.line == (5 if left == "ours of before" else 8)
    assert "names another hash" in found.what
    assert broken(verify_all(audit, checkpoints)) == found
    with pytest.raises(AuditError, match="not signed"):
        checkpoints.sign(AT_S)


def test_an_end_that_was_cut_off_after_it_was_signed_is_missed_without_the_table(
    store: Store, audit: Audit, checkpoints: Checkpoints
) -> None:
    checkpoints.sign(AT_S)
    cut_off(store, 4)
    forget_all(store)
    for since in (None, 2):
        assert "beyond the end" in broken(verify_since_checkpoint(audit, checkpoints, since)).what
    add(audit, 4)
    assert broken(verify_since_checkpoint(audit, checkpoints)).line == 5


def test_all_that_is_relied_on_is_looked_at(
    store: Store, audit: Audit, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):  # of entries 5, 8 and 11
        checkpoints.sign(AT_S)
        add(audit, 3)
    begun = looked_at(audit, monkeypatch)
    for since in (None, 12, 11, 9, 8, 6, 5, 1):
        assert verify_since_checkpoint(audit, checkpoints, since) == audit.head()
    assert begun == [11, 11, 8, 8, 5, 5, 0, 0]
    bend(store, 7)
    for since in (None, 9):
        assert verify_since_checkpoint(audit, checkpoints, since) == audit.head()
    for since in (8, 7, 6, 5, 1):
        assert broken(verify_since_checkpoint(audit, checkpoints, since)).line == 7
    bend(store, 4)  # the entry of the checkpoint that is begun from counts as well
    make_bent = update(AUDIT).where(AUDIT.c.seq == 8)
    with store.writing() as connection:
        connection.execute(make_bent.values(line=AUDIT.c.line + " "))
    assert broken(verify_since_checkpoint(audit, checkpoints, 9)).line == 4


def test_what_was_signed_later_is_held_against_what_is_looked_at(
    store: Store, audit: Audit, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    """Also where the folder of the keys is older than the table, as one that was restored."""
    checkpoints.sign(AT_S)
    pinned = tmp_path / "state" / "keys" / "last-checkpoint.json"
    before = pinned.read_bytes()
    add(audit, 3)
    checkpoints.sign(AT_S)
    pinned.write_bytes(before)
    line, head = link(Head(5, checkpoints.all()[0].hash), AT, "step", {"who": "B"})
    rows = [{"seq": 6, "action": "step", "incident": None, "line": line.decode().strip()}]
    for seq in (7, 8, 9):
        line, head = link(head, AT, "step", {"who": "B"})
        rows.append({**rows[0], "seq": seq, "line": line.decode().strip()})
    cut_off(store, 5)
    with store.writing() as connection:
        connection.execute(insert(AUDIT), rows)
    assert broken(verify_since_checkpoint(audit, checkpoints, 6)).line == 8
    assert broken(verify_since_checkpoint(audit, checkpoints)).line == 8


def test_what_was_signed_last_cannot_be_bent_or_go_back(
    store: Store, audit: Audit, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    assert checkpoints.pinned() is None
    first = checkpoints.sign(AT_S)
    add(audit, 2)
    second = checkpoints.sign(AT_S + 60)
    assert checkpoints.pinned() == second
    with store.writing() as connection:
        connection.execute(delete(CHECKPOINTS).where(CHECKPOINTS.c.seq == second.seq))
    assert checkpoints.sign(AT_S + 120).at == "2026-03-02T09:02:00+00:00"
    assert checkpoints.pinned() == second
    assert checkpoints.all()[0] == first
    pinned = tmp_path / "state" / "keys" / "last-checkpoint.json"
    pinned.write_text(second.as_json().replace(": 7", ": 6"))
    for ask in (
        lambda: verify_all(audit, checkpoints),
        lambda: verify_since_checkpoint(audit, checkpoints),
        lambda: checkpoints.sign(AT_S),
    ):
        with pytest.raises(StateError, match=r"last-checkpoint.json: .* does not fit"):
            ask()
