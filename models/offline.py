"""Where caches live, and the switches that keep ultralytics from fetching, phoning or unpickling.

Every module that imports ultralytics calls `keep_offline` first: the package reads these
variables once, when it is imported.
"""

from __future__ import annotations

import os
from pathlib import Path

from .errors import ModelError

SWITCHES = {
    "YOLO_AUTOINSTALL": "false",  # by default a missing package is installed by itself
    "YOLO_OFFLINE": "1",  # by default usage is reported and updates are looked for
    "ULTRALYTICS_SAFE_LOAD": "1",  # by default a checkpoint's pickle may run any code
    "YOLO_VERBOSE": "false",
}
"""Environment of every process that imports ultralytics."""


def cache_dir() -> Path:
    """Return the folder of rebuildable files: `LASTSEEN_CACHE`, else `~/.cache/lastseen`."""
    named = os.environ.get("LASTSEEN_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "lastseen"


def keep_offline() -> None:
    """Set the switches, and a settings folder of our own, in this process's environment.

    The user's own ultralytics settings are neither read nor written: a run must not depend on them.

    Raises:
        ModelError: if the settings folder cannot be made.
    """
    os.environ.update(SWITCHES)
    folder = cache_dir() / "ultralytics"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"{folder}: cannot be made: {error.strerror}; "
            f"set LASTSEEN_CACHE to a folder that can be written"
        ) from error
    os.environ["YOLO_CONFIG_DIR"] = str(folder)
