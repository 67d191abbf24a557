"""The export is made once, whole or not at all, and again when anything it depends on changes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

import models.export
from models.errors import ExportError
from models.export import export_key, openvino_model
from models.registry import Checkpoint

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    path = tmp_path / "some.pt"
    path.write_bytes(b"weights")
    return Checkpoint("some", path, "a" * 64, ("person",), {"person": 0.4}, 640, "CC0", None)


class Exporter:
    """Writes a folder as ultralytics does and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, source: Path) -> Path:
        self.calls += 1
        folder = source.with_name("model_openvino_model")
        folder.mkdir()
        (folder / "model.xml").write_bytes(source.read_bytes())
        return folder


def test_the_second_call_uses_the_first_ones_export(checkpoint: Checkpoint, tmp_path: Path) -> None:
    export = Exporter()
    first = openvino_model(checkpoint, tmp_path / "cache", export)
    second = openvino_model(checkpoint, tmp_path / "cache", export)
    assert first == second
    assert first.read_bytes() == b"weights"
    assert export.calls == 1


def test_processes_that_start_together_export_once(checkpoint: Checkpoint, tmp_path: Path) -> None:
    export = Exporter()
    found: list[Path] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(openvino_model(checkpoint, tmp_path / "cache", export))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert export.calls == 1


def test_a_failed_export_leaves_nothing_behind(checkpoint: Checkpoint, tmp_path: Path) -> None:
    def fails(source: Path) -> Path:
        folder = source.with_name("half")
        folder.mkdir()
        (folder / "model.xml").touch()
        raise RuntimeError("out of luck")

    with pytest.raises(ExportError, match=r"some\.pt: export to OpenVINO failed: out of luck"):
        openvino_model(checkpoint, tmp_path / "cache", fails)
    assert not list((tmp_path / "cache").rglob("model.xml"))
    assert openvino_model(checkpoint, tmp_path / "cache", Exporter()).exists()


def test_an_export_without_a_model_is_an_error(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"wrote no model\.xml"):
        openvino_model(checkpoint, tmp_path / "cache", lambda source: source.parent)


def test_a_cache_that_cannot_be_written_is_named(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    with pytest.raises(ExportError, match=r"cache.*set LASTSEEN_CACHE"):
        openvino_model(checkpoint, tmp_path / "cache", Exporter())


def test_the_key_follows_bytes_and_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    before = export_key("a" * 64)
    assert export_key("b" * 64) != before
    monkeypatch.setattr(models.export, "version", lambda _: "0")
    assert export_key("a" * 64) != before
