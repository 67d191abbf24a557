"""Figures are kept by machine and version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from api.commands.bench_keep import keep, machine_slug
from api.errors import ApiError

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = {"processor": "AMD EPYC 7B13", "cores": "2"}


@pytest.mark.parametrize(
    ("machine", "slug"),
    [
        (MACHINE, "amd-epyc-7b13-2-cores"),
        ({**MACHINE, "gpu": "NVIDIA H100"}, "amd-epyc-7b13-2-cores-nvidia-h100"),
        ({"processor": "Intel(R) N100", "cores": "4"}, "intel-r-n100-4-cores"),
    ],
)
def test_a_machine_has_a_name_for_a_folder(machine: dict[str, str], slug: str) -> None:
    assert machine_slug(machine) == slug


@pytest.mark.parametrize(
    ("file", "kept"), [("x.json", "gate.json"), ("gate-sqlite.json", "gate-sqlite.json")]
)
def test_figures_are_kept_under_their_machine_and_version(
    tmp_path: Path, file: str, kept: str
) -> None:
    figures = {"benchmark": "gate", "machine": MACHINE, "versions": {"lastseen": "0.1.0"}}
    (tmp_path / file).write_text(json.dumps(figures))
    keep([tmp_path / file], tmp_path / "kept")
    place = tmp_path / "kept" / "amd-epyc-7b13-2-cores" / "0.1.0" / kept
    assert json.loads(place.read_text()) == figures


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("{", "not JSON"), ("[]", "no 'benchmark'"), ('{"benchmark": "x"}', "no 'machine'")],
)
def test_what_no_benchmark_printed_is_refused(tmp_path: Path, text: str, wrong: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ApiError, match=wrong):
        keep([tmp_path / "x.json"], tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
