"""Checkpoints of the audit: signed, kept beside it and, copied, elsewhere.

Whoever can write to the database can make the whole chain anew, but not the signature of a
checkpoint, and not the copy of one that is kept elsewhere. A removed end shows where a checkpoint
lies beyond it, a chain made anew where one names another hash.

The newest that was signed here lies in the folder of the keys as well. A chain that does not hold
what it names is bent, and is never signed again. Checkpoints of another key, e.g. of another server
on the same database, must fit the chain, too; but they vouch for nothing here.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from .audit_chain import Broken, Head, verify
from .checkpoint_document import (
    Checkpoint,
    public_key_of,
    read_public_key,
    sign_head,
    verify_checkpoint,
)
from .errors import AuditError, StateError, StoreError
from .store_tables import CHECKPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .audit import Audit
    from .audit_chain import Check
    from .keys import Keys
    from .store import Store

__all__ = [
    "Checkpoint",
    "Checkpoints",
    "resting",
    "verify_all",
    "verify_checkpoint",
    "verify_copy",
    "verify_since_checkpoint",
]


class Checkpoints:
    """Signs checkpoints and keeps them beside the audit.

    Args:
        store: the database.
        keys: where the signing key lies.
        audit: what is signed.
    """

    def __init__(self, store: Store, keys: Keys, audit: Audit) -> None:
        self._store = store
        self._keys = keys
        self._audit = audit

    def public_key(self) -> str:
        """Return the key that others check our checkpoints with, base64.

        Raises:
            StateError: the signing key cannot be read or made.
        """
        return public_key_of(self._keys.signing())

    def sign(self, now_s: float) -> Checkpoint:
        """Return a checkpoint of the chain's end; the one that there is where nothing was added.

        What was added since the last checkpoint is verified first: a bent chain is not signed.

        Args:
            now_s: Unix seconds.

        Raises:
            AuditError: there is nothing to sign, it was bent, or it cannot be kept.
            StateError: the signing key cannot be read or made.
        """
        head = verify_since_checkpoint(self._audit, self)
        if isinstance(head, Broken):
            raise AuditError(f"entry {head.line} of the audit was bent ({head.what}); not signed")
        if head.seq == 0:
            raise AuditError("the audit has no entry yet, so there is nothing to sign")
        at = datetime.fromtimestamp(now_s, UTC).isoformat()
        made = sign_head(self._keys.signing(), head, at)
        last = self.pinned()
        if last is None or last.seq < made.seq:
            # Before it is anywhere else: what was signed once is never signed otherwise.
            self._keys.keep_checkpoint(made.as_json().encode())
        kept = verify_checkpoint(self._keep(made), made.public_key)
        if (kept.seq, kept.hash) != (made.seq, made.hash):
            raise AuditError(f"another checkpoint than ours is kept of entry {made.seq}")
        return kept

    def pinned(self) -> Checkpoint | None:
        """Return the newest checkpoint that was signed here, from the folder of the keys.

        Raises:
            StateError: it cannot be read, or was changed.
        """
        document = self._keys.checkpoint()
        try:
            return None if document is None else verify_checkpoint(document)
        except AuditError as error:
            raise StateError(
                f"{self._keys.checkpoint_file}: {error}; what it said is in a checkpoint that is "
                "kept elsewhere"
            ) from error

    def latest(self) -> Checkpoint | None:
        """Return the newest checkpoint that our own key signed; None where there is none.

        Raises:
            AuditError: they cannot be read.
            StateError: the signing key cannot be read or made.
        """
        return next(self.own(), None)

    def own(self) -> Iterator[Checkpoint]:
        """Yield the checkpoints beside the audit that our own key signed, newest first.

        Raises:
            AuditError: they cannot be read.
            StateError: the signing key cannot be read or made.
        """
        ours = self.public_key()
        for seq, document in self.documents(newest_first=True):
            try:
                checkpoint = _of_entry(seq, document, ours)
            except AuditError:  # it vouches for nothing; `verify_all` says what is wrong with it
                continue
            yield checkpoint

    def other_keys(self) -> tuple[str, ...]:
        """Return the keys besides ours that checkpoints name; what they say is not verified here.

        Raises:
            AuditError: they cannot be read, or one is no checkpoint.
            StateError: the signing key cannot be read or made.
        """
        try:
            named = {str(json.loads(document)["public_key"]) for _, document in self.documents()}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise AuditError("a document beside the audit is no checkpoint") from error
        return tuple(sorted(named - {self.public_key()}))

    def all(self) -> tuple[Checkpoint, ...]:
        """Return all checkpoints, oldest first.

        Raises:
            AuditError: they cannot be read, or one was changed.
        """
        return tuple(_of_entry(seq, document, None) for seq, document in self.documents())

    def documents(self, *, newest_first: bool = False) -> Iterator[tuple[int, str]]:
        """Yield the number and the document of each checkpoint as they stand in the database.

        Raises:
            AuditError: they cannot be read.
        """
        order = CHECKPOINTS.c.seq.desc() if newest_first else CHECKPOINTS.c.seq
        wanted = select(*CHECKPOINTS.c).order_by(order)
        with self._audit.reading() as connection, connection.execute(wanted) as rows:
            for row in rows:
                yield row.seq, row.document

    def _keep(self, made: Checkpoint) -> str:
        """Keep it unless there is one of the same entry; return what is kept."""
        try:
            with self._store.writing() as connection:
                try:
                    with connection.begin_nested():
                        connection.execute(
                            insert(CHECKPOINTS), {"seq": made.seq, "document": made.as_json()}
                        )
                except IntegrityError:  # another process, or an earlier call, was first
                    wanted = select(CHECKPOINTS.c.document).where(CHECKPOINTS.c.seq == made.seq)
                    return str(connection.execute(wanted).scalar_one())
        except StoreError as error:
            raise AuditError(f"the checkpoint cannot be kept ({error})") from error
        return made.as_json()


def verify_all(
    audit: Audit,
    checkpoints: Checkpoints,
    *,
    trusted_key: str | None = None,
    noted: str | None = None,
    others: Iterable[Checkpoint] = (),
    each: Callable[[], None] | None = None,
) -> Head | Broken:
    """Return the end of the chain, or the first entry that breaks it or contradicts a checkpoint.

    Args:
        audit: all of it is read.
        checkpoints: those beside it; each must be signed and fit.
        trusted_key: the key that must have signed them, base64; see `verify_checkpoint`.
        noted: hash of an entry, noted elsewhere, that must be in the chain.
        others: checkpoints that were kept elsewhere, verified by `verify_checkpoint`.
        each: called for each entry, see `resting`.

    Raises:
        AuditError: the audit cannot be read, or the trusted key is none.
        StateError: what was signed here last cannot be read.
    """
    if trusted_key is not None:
        read_public_key(trusted_key)
    marks = _marks_of(_with_pinned(checkpoints, others))
    # Read before the chain, which meanwhile may only grow.
    for seq, document in checkpoints.documents():
        try:
            marks.setdefault(seq, []).append(_of_entry(seq, document, trusted_key))
        except AuditError as error:
            marks.setdefault(seq, []).append(str(error))
    return _held_against(marks, lambda check: audit.verify(noted, check=check), each)


def verify_copy(
    lines: Iterable[bytes], others: Iterable[Checkpoint], noted: str | None = None
) -> Head | Broken:
    """Return the end of an exported chain, or the first entry that breaks it, as `verify_all`."""
    return _held_against(_marks_of(others), lambda check: verify(lines, noted=noted, check=check))


def verify_since_checkpoint(
    audit: Audit,
    checkpoints: Checkpoints,
    since: int | None = None,
    *,
    each: Callable[[], None] | None = None,
) -> Head | Broken:
    """Return the end of the chain, or an entry that breaks it, without looking at what is old.

    What comes after the newest checkpoint before `since` that we signed, and whose entry still is
    what was signed, is looked at and held against all that we signed later; everything is where
    there is no such checkpoint.

    Args:
        audit: the chain.
        checkpoints: those beside it.
        since: number of the earliest entry that will be relied on; None for what is new only.
        each: called for each entry, see `resting`.

    Raises:
        AuditError: the audit cannot be read.
        StateError: the signing key, or what was signed here last, cannot be read.
    """
    marks = _with_pinned(checkpoints, ())
    for one in checkpoints.own():
        marks.append(one)
        if since is None or one.seq < since:
            break
    before = [one for one in marks if since is None or one.seq < since]
    start = max(before, key=lambda one: one.seq, default=None)
    # Of what was signed before the start, too, each must still be there.
    if start is not None and all(_there(audit, one) for one in before):
        later = _marks_of(one for one in marks if one.seq > start.seq)
        after = Head(start.seq, start.hash)
        return _held_against(later, lambda check: audit.verify(after=after, check=check), each)
    return verify_all(audit, checkpoints, each=each)


def resting(every: int = 100, rest_s: float = 0.0005) -> Callable[[], None]:
    """Return what, called for each entry, lets other threads go first now and then.

    Verifying computes without a pause, and each time another thread waited for a disk it would have
    to wait for that as well: who opens an incident meanwhile comes first.
    """
    count = 0

    def each() -> None:
        nonlocal count
        count += 1
        if count % every == 0:
            time.sleep(rest_s)

    return each


def _with_pinned(checkpoints: Checkpoints, others: Iterable[Checkpoint]) -> list[Checkpoint]:
    pinned = checkpoints.pinned()
    return [*(() if pinned is None else (pinned,)), *others]


def _there(audit: Audit, checkpoint: Checkpoint) -> bool:
    """Whether the entry of a checkpoint is what was signed."""
    return audit.head_at(checkpoint.seq) == Head(checkpoint.seq, checkpoint.hash)


def _marks_of(checkpoints: Iterable[Checkpoint]) -> dict[int, list[Checkpoint | str]]:
    """Checkpoints by the number of their entry; a text in place of one says what is wrong."""
    marks: dict[int, list[Checkpoint | str]] = {}
    for one in checkpoints:
        marks.setdefault(one.seq, []).append(one)
    return marks


def _held_against(
    marks: Mapping[int, list[Checkpoint | str]],
    verified: Callable[[Check], Head | Broken],
    each: Callable[[], None] | None = None,
) -> Head | Broken:
    """What verifying gives when each entry must be what its checkpoints say."""

    def check(entry: Mapping[str, Any]) -> str | None:
        if each is not None:
            each()
        for mark in marks.get(entry["seq"], ()):
            if isinstance(mark, str):
                return mark
            if mark.hash != entry["hash"]:
                return (
                    f"the checkpoint of entry {mark.seq}, signed at {mark.at}, names another "
                    "hash: the chain was made anew up to here or beyond"
                )
        return None

    found = verified(check)
    beyond = [seq for seq in marks if isinstance(found, Head) and seq > found.seq]
    if isinstance(found, Broken) or not beyond:
        return found
    mark = marks[min(beyond)][0]
    what = (
        mark
        if isinstance(mark, str)
        else f"the checkpoint of entry {mark.seq}, signed at {mark.at}, lies beyond the end: "
        "entries were cut off"
    )
    return Broken(found.seq + 1, what, found)


def _of_entry(seq: int, document: str, trusted_key: str | None) -> Checkpoint:
    """The checkpoint that stands beside entry `seq`."""
    try:
        checkpoint = verify_checkpoint(document, trusted_key)
    except AuditError as error:
        raise AuditError(f"beside entry {seq}: {error}") from error
    if checkpoint.seq != seq:
        raise AuditError(f"beside entry {seq} stands the checkpoint of entry {checkpoint.seq}")
    return checkpoint
