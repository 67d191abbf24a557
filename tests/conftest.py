"""Fixtures that every test folder shares, and the rule on what may be skipped.

Where `LASTSEEN_REQUIRE` names markers (comma separated, e.g. `browser,rtsp`), a test with one of
them that skips fails instead: a machine that says it has a browser cannot quietly test nothing.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.postgres import drop_database, find_server, new_database, running_postgres
from tests.rtsp import Server, why_none

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

ROOT = Path(__file__).resolve().parent.parent
CUDA_CONTROL_DEVICE = Path("/dev/nvidiactl")

# Machines are shared: how long one example takes says nothing about the code.
settings.register_profile("shared machines", deadline=None)
settings.load_profile("shared machines")


@pytest.fixture(scope="session", autouse=True)
def only_what_ships() -> None:
    """Keep checkpoints that this machine's user has added out of the tests."""
    os.environ["LASTSEEN_WEIGHTS"] = str(ROOT / "tests" / "no-added-weights")


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The checkout that holds this test."""
    return ROOT


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real footage; skips where there is none."""
    named = os.environ.get("LASTSEEN_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        source = "LASTSEEN_DATA names it" if named else "LASTSEEN_DATA is not set"
        pytest.skip(f"no folder of real footage at {folder} ({source})")
    return folder


@pytest.fixture(scope="session")
def wing_dir() -> Path:
    """The built-in drill with one armed intruder in a school wing."""
    return ROOT / "benchmarks" / "drills" / "wing"


@pytest.fixture(scope="session")
def quiet_dir() -> Path:
    """The built-in drill in which nobody is armed."""
    return ROOT / "benchmarks" / "drills" / "quiet"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The main database of a PostgreSQL of this session's own; skips where none is installed."""
    binaries = find_server()
    if binaries is None:
        pytest.skip("no PostgreSQL server here; scripts/system-packages.sh postgres installs it")
    with running_postgres(binaries) as url:
        yield url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The address of an empty database that only this test has."""
    name = f"test_{uuid.uuid4().hex}"
    yield new_database(postgres_url, name)
    drop_database(postgres_url, name)


@pytest.fixture(scope="session")
def gstreamer() -> None:
    """Skip where the RTSP server cannot run."""
    why = why_none()
    if why:
        pytest.skip(why)


@pytest.fixture(scope="module")
def rtsp_server(gstreamer: None) -> Generator[Server]:
    """A real RTSP server that the test leaves alone."""
    server = Server()
    yield server
    server.end()


def required_markers() -> frozenset[str]:
    """Names of the markers whose tests may not skip on this machine."""
    named = os.environ.get("LASTSEEN_REQUIRE", "")
    return frozenset(name.strip() for name in named.split(",") if name.strip())


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests marked gpu where there is no CUDA device."""
    if item.get_closest_marker("gpu") and not CUDA_CONTROL_DEVICE.exists():
        pytest.skip("no CUDA device on this machine")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a required test into a failure."""
    report = yield
    required = required_markers() & {marker.name for marker in item.iter_markers()}
    if report.skipped and required and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"LASTSEEN_REQUIRE={','.join(sorted(required))}, but: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that skips itself whole while anything is required.

    Such a module has no markers yet, so what it would have tested cannot be known.
    """
    report = yield
    if report.skipped and required_markers():
        report.outcome = "failed"
        report.longrepr = (
            f"{collector.nodeid} skipped as a whole while LASTSEEN_REQUIRE is set; "
            "skip inside a fixture instead"
        )
    return report
