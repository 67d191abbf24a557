"""What the environment may set: wrong values are named, and no secret is repeated."""

from __future__ import annotations

import pytest

from api.errors import ServeError
from api.settings import read_settings


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LASTSEEN_METRICS_TOKEN", "hunter2", "at least 20"),
        ("LASTSEEN_TRACE_RATIO", "2", "less than or equal to 1"),
        ("LASTSEEN_LOG_FORMAT", "xml", "'text' or 'json'"),
        ("LASTSEEN_LOG_LEVEL", "loud", "'warning'"),
        ("LASTSEEN_DRILL_RUN_DAYS", "-1", "greater than or equal to 0"),
    ],
)
def test_a_wrong_value_is_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ServeError, match=name) as raised:
        read_settings()
    assert said in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTSEEN_TRACE_RATIO", "all")
    monkeypatch.setenv("LASTSEEN_LOG_LEVEL", "loud")
    with pytest.raises(ServeError, match=r"TRACE_RATIO.*LOG_LEVEL"):
        read_settings()


def test_the_token_of_the_metrics_cannot_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    token = "a" * 19 + "b"
    monkeypatch.setenv("LASTSEEN_METRICS_TOKEN", token)
    settings = read_settings()
    assert settings.metrics_secret() == token
    assert token not in repr(settings)
    monkeypatch.delenv("LASTSEEN_METRICS_TOKEN")
    assert read_settings().metrics_secret() == ""


@pytest.mark.parametrize(
    ("ratio", "endpoint", "traced"),
    [("0.5", "http://127.0.0.1:9", True), ("0", "http://127.0.0.1:9", False), ("0.5", "", False)],
)
def test_frames_are_traced_where_a_collector_is_named(
    monkeypatch: pytest.MonkeyPatch, ratio: str, endpoint: str, traced: bool
) -> None:
    monkeypatch.setenv("LASTSEEN_TRACE_RATIO", ratio)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    telemetry = read_settings().telemetry()
    assert (telemetry.traces is not None) is traced
    telemetry.close()
