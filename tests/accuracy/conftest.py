"""Runs of public recordings, each played once a session, and the figures recorded of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.accuracy import figures_of
from benchmarks.recordings import RECORDINGS, Played, play

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def played(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Played]:
    """Imports and plays a recording, by name and seed of the simulated detector."""
    runs: dict[tuple[str, int | None], Played] = {}

    def run(name: str, seed: int | None = None) -> Played:
        if (name, seed) not in runs:
            recording = RECORDINGS[name]
            if not (data_dir / recording.folder).is_dir():
                pytest.skip(f"no {name} at {data_dir / recording.folder}")
            if seed is not None:
                recording = recording.with_seed(seed)
            folder = tmp_path_factory.mktemp(name)
            drill = recording.import_to(data_dir, folder / "drill")
            runs[name, seed] = play(drill, folder / "state")
            assert runs[name, seed].record.problems == ()
        return runs[name, seed]

    return run


@pytest.fixture(scope="session")
def figures(played: Callable[..., Played]) -> Callable[..., dict[str, Any]]:
    """Figures of a recording, printed where they are measured."""
    known: dict[tuple[str, int | None], dict[str, Any]] = {}

    def measured(name: str, seed: int | None = None) -> dict[str, Any]:
        if (name, seed) not in known:
            known[name, seed] = figures_of(played(name, seed))
            print(name, seed or "", json.dumps(known[name, seed], indent=1))  # noqa: T201 -- the accuracy suite prints what it found
        return known[name, seed]

    return measured


@pytest.fixture(scope="session")
def recorded(repo_root: Path) -> Callable[[str], dict[str, Any]]:
    """The figures last recorded of a recording."""

    def read(name: str) -> dict[str, Any]:
        path = repo_root / "benchmarks" / "figures" / f"{name}.json"
        figures: dict[str, Any] = json.loads(path.read_text())
        return figures

    return read
