"""Exports are written whole or not at all, and say what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner

from api.commands.models import app
from models import exports
from models.errors import ExportError
from models.exports import FEWEST_FOR_INT8, export_as
from models.registry import checkpoint_names, find_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

PICTURE = np.zeros((96, 96, 3), np.uint8)


def test_eight_bits_need_pictures(tmp_path: Path) -> None:
    pytest.importorskip("nncf", reason="the 'export' extra is not installed")
    with pytest.raises(ExportError, match=f"at least {FEWEST_FOR_INT8} pictures.*got 3"):
        export_as("openvino-int8", find_checkpoint(), tmp_path, [PICTURE] * 3)
    assert not list(tmp_path.iterdir())


def test_an_engine_needs_its_gpu_or_its_package(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="tensorrt: "):
        export_as("tensorrt", find_checkpoint(), tmp_path)


def test_a_missing_package_is_named_with_the_extra_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(exports._NEEDS, "onnx", ("no_such_package",))
    with pytest.raises(ExportError, match=r"no_such_package; .*lastseen\[export\]"):
        export_as("onnx", find_checkpoint(), tmp_path)


def test_a_failed_export_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **_options: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(exports, "export_network", fail)
    with pytest.raises(ExportError, match="out of luck"):
        export_as("openvino", find_checkpoint(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_older_export_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(source: Path, *_: object, **_options: object) -> Path:
        folder = source.with_name("model_openvino_model")
        folder.mkdir()
        (folder / "model.xml").write_text("<net/>", encoding="utf-8")
        return folder

    monkeypatch.setattr(exports, "export_network", write)
    for _ in range(2):
        written = export_as("openvino", find_checkpoint(), tmp_path)
        assert written.name == "person-firearm-fp16-openvino"
        assert (written / "model.xml").read_text(encoding="utf-8") == "<net/>"
        assert [path.name for path in tmp_path.iterdir()] == [written.name]


@pytest.mark.slow
@pytest.mark.parametrize("weights", checkpoint_names())
@pytest.mark.parametrize("form", ["onnx", "openvino", "openvino-int8"])
def test_what_ships_answers_the_same_in_every_form(
    tmp_path: Path, weights: str, form: str, wing_dir: Path, quiet_dir: Path
) -> None:
    pytest.importorskip("nncf", reason="the 'export' extra is not installed")
    result = CliRunner().invoke(
        app,
        [
            "export", weights, "--as", form, "--to", str(tmp_path), "--verify",
            "--pictures", str(wing_dir / "video"), "--pictures", str(quiet_dir / "video"),
        ],
    )  # fmt: skip
    assert result.exit_code == 0, (result.output, result.exception)
    assert " boxes in " in result.output
