"""The answer while it changes, drawn in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.console import Console, RenderableType

    from calibration.answer import Answer

    from .drill_play import Progress
    from .runs import CameraStatus

MOST_SUBJECTS = 6
MOST_DOORS = 3
PLAIN_EVERY_S = 2.0
"""Where the output is no terminal, the answer is written as a line this often."""


class LiveDisplay:
    """Shows progress: a table that changes in place, or plain lines where there is no terminal."""

    def __init__(self, console: Console, *, exercise: bool) -> None:
        self._console = console
        self._exercise = exercise
        self._live = Live(console=console, refresh_per_second=5) if console.is_terminal else None
        self._next_line_s = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, progress: Progress) -> None:
        """Show how far it is now."""
        if self._live is not None:
            self._live.update(live_view(progress, exercise=self._exercise))
        elif progress.answer is not None and progress.t_s >= self._next_line_s:
            self._next_line_s = progress.t_s + PLAIN_EVERY_S
            self._console.print(
                f"{progress.t_s:5.1f} s  {progress.answer.text}", highlight=False, markup=False
            )


def live_view(progress: Progress, *, exercise: bool) -> RenderableType:
    """What to show now: banner and clock, the answer, ranked subjects, doors, cameras."""
    banner = Text(" EXERCISE " if exercise else " REAL ", style="bold black on yellow")
    clock = Text(f"  {progress.t_s:5.1f} s of {progress.duration_s:.0f} s", style="dim")
    bar = ProgressBar(total=progress.duration_s, completed=progress.t_s, width=40)
    parts: list[RenderableType] = [Text.assemble(banner, clock), bar]
    answer = progress.answer
    if answer is not None:
        parts.append(Panel(Text(answer.text, style="bold"), title="last seen"))
        parts.append(_subjects(answer))
        if answer.entrances:
            parts.append(_doors(answer))
    if progress.cameras:
        parts.append(_cameras(progress.cameras))
    parts += [Text(f"! {problem}", style="red") for problem in progress.problems]
    return Group(*parts)


def _subjects(answer: Answer) -> Table:
    table = Table("rank", "subject", "intruder", "armed", "place", "age", "±95 %", "why", box=None)
    for subject in answer.subjects[:MOST_SUBJECTS]:
        table.add_row(
            str(subject.rank),
            subject.subject,
            f"{subject.probability:.0%}",
            f"{subject.armed_probability:.0%}",
            subject.space_name or "outside the plan",
            f"{subject.age_s:.1f} s",
            f"{subject.ce95_m:.1f} m",
            "; ".join(subject.reasons[:2]),
            style="bold" if subject.rank == 1 else "",
        )
    hidden = len(answer.subjects) - MOST_SUBJECTS
    if hidden > 0:
        table.add_row("", f"and {hidden} more", style="dim")
    return table


def _doors(answer: Answer) -> Table:
    table = Table("door", "on foot", "straight", "name", "why not", box=None)
    for door in answer.entrances[:MOST_DOORS]:
        walk = "no way" if door.walk_m is None else f"{door.walk_m:.0f} m"
        table.add_row(door.door_number, walk, f"{door.straight_m:.0f} m", door.name, door.why_not)
    return table


def _cameras(cameras: tuple[CameraStatus, ...]) -> Table:
    table = Table("camera", "state", "in", "used", "dropped", "age", "", box=None, style="dim")
    for camera in cameras:
        age_s = camera.last_frame_age_s
        table.add_row(
            camera.name,
            camera.phase,
            str(camera.frames_in),
            str(camera.frames_used),
            str(camera.frames_dropped),
            "" if age_s is None else f"{age_s:.1f} s",
            camera.reason,
        )
    return table
