"""What this process writes into its log: one form for all loggers, and no secrets.

Every line has a time in UTC, and says of which incident, camera, worker and request it tells where
that is known: by `about`, for all that is logged within it, or by `extra={"camera": …}` of a call.
A worker is given the settings of the process that started it, see `settings_for`.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

from pythonjsonlogger.json import JsonFormatter

from .scrubbing import scrubbed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

ABOUT: Final = ("incident", "camera", "worker", "request")
"""What a line may be about."""

NOISY: Final = (
    "alembic",
    "httpcore",
    "httpx",
    "matplotlib",
    "openvino",
    "PIL",
    "urllib3",
    "uvicorn",
)
"""Loggers of others that tell much that nobody needs: below a warning they are not heard."""

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_ABOUT: contextvars.ContextVar[Mapping[str, str]] = contextvars.ContextVar(
    "about", default=_NOTHING
)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How the log is written.

    Attributes:
        format: "text" for people, "json" for programs: one object a line.
        level: the least that is written.
        worker: name of the worker that this process is; "" for the server itself.
    """

    format: LogFormat = "text"
    level: LogLevel = "warning"
    worker: str = ""


_current: LogSettings | None = None


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Write all that is logged in this process so from now on; what was set before is dropped.

    Args:
        settings: how.
        stream: where to; the error output where None.
    """
    global _current  # noqa: PLW0603 - the log of a process is one, and `logging` is global anyway
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(_JsonLines() if settings.format == "json" else _TextLines())
    handler.addFilter(_with_about)
    root = logging.getLogger()
    for before in tuple(root.handlers):
        root.removeHandler(before)
    root.addHandler(handler)
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    root.setLevel(level)
    for name in NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        quiet = logging.getLogger(name)
        quiet.handlers.clear()
        quiet.propagate = True
    logging.captureWarnings(capture=True)
    _ABOUT.set({"worker": settings.worker} if settings.worker else {})
    _current = settings


def current() -> LogSettings | None:
    """Return how this process writes its log; None where nobody has said."""
    return _current


def settings_for(worker: str) -> LogSettings | None:
    """Return how a worker of this process writes its log; None where nobody has said."""
    return None if _current is None else replace(_current, worker=worker)


@contextlib.contextmanager
def about(**what: str) -> Iterator[None]:
    """Let what this thread or task logs meanwhile be about an incident, a camera or a request.

    Raises:
        ValueError: a line cannot be about that.
    """
    unknown = set(what) - set(ABOUT)
    if unknown:
        raise ValueError(f"a line of the log is about one of {ABOUT}, not about {sorted(unknown)}")
    token = _ABOUT.set({**_ABOUT.get(), **what})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def _with_about(record: logging.LogRecord) -> bool:
    """Put what is known into a record; what a call itself said stands."""
    for name, value in _ABOUT.get().items():
        if not hasattr(record, name):
            setattr(record, name, value)
    return True


class _JsonLines(JsonFormatter):
    """One JSON object a line; see the module for its members."""

    def __init__(self) -> None:
        super().__init__(
            ("levelname", "name", "message"),
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "traceback"},
            timestamp="time",
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Return what is written of a record, without secrets."""
        time_first = {"time": log_data.pop("time").isoformat(timespec="milliseconds")}
        level = {"level": str(log_data.pop("level")).lower()}
        rest = {name: _sayable(value) for name, value in log_data.items()}
        return time_first | level | rest


def _sayable(value: object) -> object:
    """A value as JSON has it, its text without secrets."""
    if isinstance(value, bool | int | float) or value is None:
        return value
    return scrubbed(str(value))


class _TextLines(logging.Formatter):
    """Lines for people, what they are about at the end."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record, without secrets."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        said = super().format(record)
        known = [f"{name}={getattr(record, name)}" for name in ABOUT if hasattr(record, name)]
        first, newline, rest = said.partition("\n")
        tail = f" [{' '.join(known)}]" if known else ""
        line = f"{at} {record.levelname.lower():7} {record.name}: {first}{tail}{newline}{rest}"
        return scrubbed(line)
