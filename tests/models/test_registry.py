"""Only checkpoints whose bytes are the registered ones are handed out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from models.errors import CheckpointError
from models.registry import (
    checkpoint_in_file,
    checkpoint_names,
    default_name,
    find_checkpoint,
)

BYTES = b"weights"
RIGHT = hashlib.sha256(BYTES).hexdigest()
WRONG = "0" * 64

ENTRY = """
schema = 1
default = "one"
second_look = "one"
[weights.one]
file = "weights/one.pt"
sha256 = "{sha256}"
classes = ["person", "firearm"]
confidence = {{ person = 0.4, firearm = 0.1 }}
input_px = {input_px}
licence = "AGPL-3.0-or-later"
card = "cards/one.md"
{extra}
"""


def registry(folder: Path, *, sha256: str = RIGHT, input_px: str = "640", extra: str = "") -> Path:
    (folder / "weights").mkdir()
    (folder / "weights" / "one.pt").write_bytes(BYTES)
    path = folder / "weights.toml"
    path.write_text(ENTRY.format(sha256=sha256, input_px=input_px, extra=extra), encoding="utf-8")
    return path


def test_a_right_file_is_found_by_name_and_by_default(tmp_path: Path) -> None:
    at = registry(tmp_path)
    named, default = find_checkpoint("one", at), find_checkpoint(None, at)
    assert named == default
    assert named.path == tmp_path / "weights" / "one.pt"
    assert (named.sha256, named.classes, named.input_px) == (RIGHT, ("person", "firearm"), 640)
    assert named.confidence == {"person": 0.4, "firearm": 0.1}


def test_changed_bytes_are_refused_and_both_checksums_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=rf"one\.pt.*expected {WRONG}, got {RIGHT}"):
        find_checkpoint("one", registry(tmp_path, sha256=WRONG))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    at = registry(tmp_path)
    (tmp_path / "weights" / "one.pt").unlink()
    with pytest.raises(CheckpointError, match=r"one\.pt: the file of weights 'one' is missing"):
        find_checkpoint("one", at)


@pytest.mark.parametrize(
    ("graph", "weights", "refused"),
    [
        pytest.param(b"<net/>", b"bytes", "", id="both-are-right"),
        pytest.param(b"<nets/>", b"bytes", r"one-int8\.xml: not the registered file", id="graph"),
        pytest.param(b"<net/>", b"bits", r"one-int8\.bin: not the registered file", id="weights"),
        pytest.param(b"<net/>", None, r"one-int8\.bin: the file .* is missing", id="half-of-it"),
    ],
)
def test_a_model_in_eight_bits_is_verified_too(
    graph: bytes, weights: bytes | None, refused: str, tmp_path: Path
) -> None:
    sums = [hashlib.sha256(text).hexdigest() for text in (b"<net/>", b"bytes")]
    at = registry(
        tmp_path,
        extra=f'[weights.one.int8]\nfile = "weights/one-int8.xml"\nsha256 = "{sums[0]}"\n'
        f'weights_sha256 = "{sums[1]}"\n',
    )
    (tmp_path / "weights" / "one-int8.xml").write_bytes(graph)
    if weights is not None:
        (tmp_path / "weights" / "one-int8.bin").write_bytes(weights)
    if refused:
        with pytest.raises(CheckpointError, match=refused):
            find_checkpoint("one", at)
    else:
        assert find_checkpoint("one", at).int8 == tmp_path / "weights" / "one-int8.xml"


def test_an_unknown_name_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no weights called 'two'; there are: one"):
        find_checkpoint("two", registry(tmp_path))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"sha256": "abc"}, r"weights\.one\.sha256", id="checksum-malformed"),
        pytest.param({"input_px": "100"}, r"weights\.one\.input_px", id="not-a-multiple-of-32"),
        pytest.param({"extra": "colour = 1"}, r"weights\.one\.colour", id="unknown-key"),
        pytest.param({"extra": "]["}, r"not valid TOML", id="not-toml"),
    ],
)
def test_a_malformed_registry_names_the_field(
    tmp_path: Path, change: dict[str, str], said: str
) -> None:
    with pytest.raises(CheckpointError, match=said):
        find_checkpoint("one", registry(tmp_path, **change))


def test_everything_shipped_is_small_verified_and_has_a_card() -> None:
    assert default_name() in checkpoint_names()
    for name in checkpoint_names():
        checkpoint = find_checkpoint(name)
        assert checkpoint.path.stat().st_size <= 6_000_000
        assert checkpoint.card is not None
        assert checkpoint.sha256 in checkpoint.card.read_text(encoding="utf-8")
        assert set(checkpoint.confidence) <= set(checkpoint.classes)


def test_a_file_of_ones_own_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"mine\.pt: no such file of weights"):
        checkpoint_in_file(tmp_path / "mine.pt")


def test_a_file_of_ones_own_that_is_garbage(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    path.write_bytes(b"not a checkpoint at all")
    with pytest.raises(CheckpointError, match=r"mine\.pt: not an ultralytics checkpoint"):
        checkpoint_in_file(path)


def test_a_pickle_that_would_run_code_does_not_run_it(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path, mark = tmp_path / "evil.pt", tmp_path / "it-ran"
    torch.save({"model": _Evil(mark)}, path)
    with pytest.raises(CheckpointError, match=r"evil\.pt"):
        checkpoint_in_file(path)
    assert not mark.exists()


class _Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)
