"""An operator's checkpoint: kept if all of it is right, refused with the reason otherwise."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from models.additions import CardHeader, add_checkpoint, card_with_header, read_card_header
from models.errors import CheckpointError
from models.registry import REGISTRY_FILE, checkpoint_names, find_checkpoint, sha256_of

SHIPPED = find_checkpoint("person-firearm")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A checkpoint of the operator's own."""
    return Path(shutil.copyfile(SHIPPED.path, tmp_path / "mine.pt"))


def card(folder: Path, **change: Any) -> Path:
    fields: dict[str, Any] = {
        "name": "mine",
        "sha256": SHIPPED.sha256,
        "classes": SHIPPED.classes,
        "confidence": {"person": 0.5},
        "input_px": 320,
        "licence": "AGPL-3.0-or-later",
    }
    path = folder / "mine.md"
    header = CardHeader.model_construct(**{**fields, **change})
    path.write_text(card_with_header(header, "# Mine\n"), encoding="utf-8")
    return path


def test_what_is_right_is_kept_and_found(tmp_path: Path, mine: Path) -> None:
    kept = tmp_path / "kept"
    added = add_checkpoint(mine, card(tmp_path), kept)
    mine.unlink()
    assert added == find_checkpoint("mine", REGISTRY_FILE, kept)
    assert (added.input_px, added.confidence) == (320, {"person": 0.5})
    assert sha256_of(added.path) == SHIPPED.sha256
    assert added.card is not None
    assert "# Mine" in added.card.read_text(encoding="utf-8")
    assert {"mine", "person-firearm"} <= set(checkpoint_names(REGISTRY_FILE, kept))


def test_a_second_one_does_not_lose_the_first(tmp_path: Path, mine: Path) -> None:
    kept = tmp_path / "kept"
    add_checkpoint(mine, card(tmp_path), kept)
    add_checkpoint(mine, card(tmp_path, name="other"), kept)
    assert {"mine", "other"} <= set(checkpoint_names(REGISTRY_FILE, kept))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"sha256": "0" * 64}, r"mine\.pt: not the file of its card", id="checksum"),
        pytest.param({"sha256": "short"}, r"mine\.md: sha256", id="no-checksum"),
        pytest.param(
            {"classes": ("person", "gun")}, r"'gun' not known here; known are person", id="class"
        ),
        pytest.param({"classes": ("person",)}, r"its classes are .* the card says", id="classes"),
        pytest.param({"input_px": 100}, r"mine\.md: input_px", id="input-size"),
        pytest.param({"confidence": {"knife": 0.5}}, r"none of its classes", id="confidence"),
        pytest.param({"name": "person-firearm"}, r"'person-firearm' is taken", id="name"),
        pytest.param({"name": "../up"}, r"mine\.md: name", id="path-in-name"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_kept(
    tmp_path: Path, mine: Path, change: dict[str, Any], said: str
) -> None:
    kept = tmp_path / "kept"
    with pytest.raises(CheckpointError, match=said):
        add_checkpoint(mine, card(tmp_path, **change), kept)
    assert not kept.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# Mine\n", "no header: the first line must be"),
        ("+++\nname = \n+++\n", "not valid TOML"),
        ('+++\nname = "mine"\n+++\n', "sha256: Field required"),
    ],
)
def test_a_card_without_a_proper_header(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "card.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=said):
        read_card_header(path)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path, mark = tmp_path / "evil.pt", tmp_path / "it-ran"
    torch.save({"model": _Evil(mark)}, path)
    with pytest.raises(CheckpointError, match=r"evil\.pt: not an ultralytics checkpoint"):
        add_checkpoint(path, card(tmp_path, sha256=sha256_of(path)), tmp_path / "kept")
    assert not mark.exists()
    assert not (tmp_path / "kept").exists()


def test_the_header_of_every_shipped_card_is_what_the_registry_says() -> None:
    for name in checkpoint_names(REGISTRY_FILE, Path("/nonexistent")):
        checkpoint = find_checkpoint(name)
        assert checkpoint.card is not None
        header = read_card_header(checkpoint.card)
        assert (header.name, header.sha256) == (name, checkpoint.sha256)
        assert (header.classes, header.input_px) == (checkpoint.classes, checkpoint.input_px)
        assert header.confidence == checkpoint.confidence


class _Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)
