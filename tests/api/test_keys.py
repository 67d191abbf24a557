"""The keys of a state folder: made once, nobody else's to read, and destroyed for good."""

from __future__ import annotations

import multiprocessing
import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from api.errors import SealError, StateError
from api.keys import KEY_FOLDER, LAST_CHECKPOINT, SERVER_KEY, SIGNING_KEY, Keys
from api.sealing import KEY_BYTES, seal, unseal

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes_raw()


def test_a_key_is_the_same_each_time_and_another_for_each_purpose(tmp_path: Path) -> None:
    keys, again, others = Keys(tmp_path / "a"), Keys(tmp_path / "a"), Keys(tmp_path / "b")
    assert keys.derived("second factors") == again.derived("second factors")
    assert raw(keys.signing()) == raw(again.signing())
    assert keys.make_incident("i1") == again.make_incident("i1") == again.incident("i1")
    different = {
        keys.derived("second factors"),
        keys.derived("links"),
        others.derived("links"),
        raw(keys.signing()),
        raw(others.signing()),
        keys.make_incident("i1"),
        keys.make_incident("i2"),
        others.make_incident("i1"),
        (tmp_path / "a" / KEY_FOLDER / SERVER_KEY).read_bytes(),
    }
    assert len(different) == 9
    assert {len(key) for key in different} == {KEY_BYTES}


@pytest.mark.parametrize("first", ["derived", "make_incident"])
def test_nobody_else_may_read_a_key(tmp_path: Path, first: str) -> None:
    keys = Keys(tmp_path / "state")
    getattr(keys, first)("i1")
    keys.derived("links")
    keys.signing()
    keys.make_incident("i1")
    keys.keep_checkpoint(b"{}")
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == [
        SIGNING_KEY,
        "i1.key",
        LAST_CHECKPOINT,
        SERVER_KEY,
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in files} == {0o700}


def make_all(state: Path) -> None:
    keys = Keys(state)
    made = [keys.derived("x"), raw(keys.signing()), keys.make_incident("i1")]
    (state / f"made-{multiprocessing.current_process().name}").write_bytes(b"".join(made))


def test_processes_that_begin_at_once_have_the_same_keys(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    makers = [context.Process(target=make_all, args=(tmp_path,), name=f"{n}") for n in range(4)]
    for process in makers:
        process.start()
    for process in makers:
        process.join(60)
        assert process.exitcode == 0
    assert len({path.read_bytes() for path in tmp_path.glob("made-*")}) == 1
    assert not list(tmp_path.rglob(".*"))


def test_the_newest_checkpoint_is_kept_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keys(tmp_path)
    assert (keys.checkpoint(), keys.has_signing()) == (None, False)
    assert list(tmp_path.iterdir()) == []  # looking makes nothing
    for document in (b"one", b"two, and longer", b"3"):
        keys.keep_checkpoint(document)
        assert keys.checkpoint() == document
    keys.signing()
    assert keys.has_signing()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StateError, match=r"last-checkpoint\.json: No space left"):
        keys.keep_checkpoint(b"4")
    assert keys.checkpoint() == b"3"
    assert not list(tmp_path.rglob(".*"))


def test_an_incident_has_a_key_until_it_is_destroyed(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    assert keys.incident("i1") is None
    assert keys.destroy_incident("i1") is False
    key = keys.make_incident("i1")
    sealed = seal(key, b"who was where", "record 1 of i1")
    assert unseal(key, sealed, "record 1 of i1") == b"who was where"
    # A second name keeps the file itself in sight, as a disk would.
    path = tmp_path / KEY_FOLDER / "incidents" / "i1.key"
    kept = tmp_path / "kept"
    kept.hardlink_to(path)
    assert keys.destroy_incident("i1") is True
    assert not path.exists()
    assert kept.read_bytes() == bytes(KEY_BYTES)
    assert keys.incident("i1") is None
    with pytest.raises(SealError):
        unseal(keys.make_incident("i1"), sealed, "record 1 of i1")


@pytest.mark.parametrize("incident", ["", "..", "../server", "a/b", "a b", ".", "a\0", "a.key"])
def test_an_id_that_is_none_leads_to_no_file(tmp_path: Path, incident: str) -> None:
    keys = Keys(tmp_path)
    for ask in (keys.make_incident, keys.incident, keys.destroy_incident):
        with pytest.raises(StateError, match="has no key"):
            ask(incident)
    assert list(tmp_path.iterdir()) == []


def elliptic() -> bytes:
    return generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"secret words", "not a private key"), (elliptic(), "not an Ed25519 key")],
)
def test_a_signing_key_that_is_none_is_named_and_not_told(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / KEY_FOLDER / SIGNING_KEY
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StateError, match=said) as told:
        Keys(tmp_path).signing()
    assert str(path) in str(told.value)
    assert "secret" not in str(told.value)
    assert path.read_bytes() == content


def test_a_server_key_of_another_length_is_named_and_not_told(tmp_path: Path) -> None:
    path = tmp_path / KEY_FOLDER / SERVER_KEY
    path.parent.mkdir()
    path.write_bytes(b"secret")
    with pytest.raises(StateError, match="not a key of 32 bytes") as told:
        Keys(tmp_path).derived("links")
    assert "secret" not in str(told.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / KEY_FOLDER).write_text("a file in the way")
    keys = Keys(tmp_path)
    for ask in (lambda: keys.derived("x"), keys.signing, lambda: keys.make_incident("i1")):
        with pytest.raises(StateError, match=str(tmp_path / KEY_FOLDER)):
            ask()


def test_keys_do_not_show_themselves(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    key = keys.make_incident("i1")
    assert key.hex() not in repr(keys)
    assert repr(key) not in repr(keys)
