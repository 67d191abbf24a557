"""The command line `lastseen`: one module a command, loaded only when it is called."""

from __future__ import annotations

import sys
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from calibration.errors import CalibrationError
from models.errors import ModelError
from vision.errors import VisionError

from .errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(
    name="lastseen",
    help=(
        "Where was the intruder last seen, and through which door do officers reach them soonest?"
        "\n\nCameras are watched only while an agreement allows it; a person confirms what is said."
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
USER_ERRORS = (ApiError, CalibrationError, ModelError, VisionError)
"""What a user can mend: shown as one clear message, without a traceback."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"lastseen {metadata.version('lastseen')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options that come before the command."""


def _mount() -> None:
    """Hang each command module into the tree; their heavy imports wait until they run."""
    for name in ("detect", "serve", "demo", "calibrate"):
        command: Callable[..., None] = getattr(
            import_module(f".commands.{name}", __package__), name
        )
        app.command(name)(command)
    for name in (
        "drill",
        "site",
        "agreement",
        "incidents",
        "users",
        "sources",
        "audit",
        "archive",
        "models",
        "bench",
    ):
        app.add_typer(import_module(f".commands.{name}", __package__).app, name=name)


def main() -> None:
    """Run the command line; exit status 1 and one message where the user can mend it."""
    _mount()
    try:
        app()
    except USER_ERRORS as error:
        text = Text.assemble(("error: ", "bold red"), str(error))
        Console(stderr=True).print(text, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
