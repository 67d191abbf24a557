"""A site or drill whose files were changed while the server runs is loaded again.

An incident keeps the plan and the cameras that it began with: what was changed is used from the
next one on. While one is open the change is put off, and taken up within a second of its end.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Literal

from .errors import TargetError
from .targets import load_target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .incidents import Incidents
    from .targets import Target

Reloaded = Literal["in-use", "put-off"]
"""What became of a change: the next incident uses it, or it waits for the end of one."""

_log = logging.getLogger(__name__)


class Reloads:
    """Loads targets again. Safe to use from any thread.

    Args:
        incidents: holds the targets.
        load: loads a folder.
    """

    def __init__(
        self, incidents: Incidents, *, load: Callable[[Path], Target] = load_target
    ) -> None:
        self._incidents = incidents
        self._load = load
        self._waiting: set[str] = set()
        self._loading = threading.Lock()

    def reload(self, target_id: str) -> Reloaded:
        """Load the folder of a target again; return once the next incident uses it, or must wait.

        It is prepared for its next incident before it takes the place of what is used now, so
        that an emergency in between is answered at once, by what was used before.

        Raises:
            KeyError: there is no such target.
            TargetError: the folder has problems; what was loaded before goes on being used.
        """
        with self._loading:
            if self._incidents.open_on(target_id) is not None:
                self._waiting.add(target_id)
                return "put-off"
            target = self._load(self._incidents.targets[target_id].folder)
            target.prepared.prepare()
            if self._incidents.replace_target(target):
                self._waiting.discard(target_id)
                return "in-use"
            self._waiting.add(target_id)  # one was opened meanwhile
            return "put-off"

    def is_put_off(self, target_id: str) -> bool:
        """Whether a change waits for the end of the incident that is open there."""
        return target_id in self._waiting

    def tick(self) -> None:
        """Take up what was put off and need not wait any more; what fails is logged."""
        for target_id in tuple(self._waiting):
            if self._incidents.open_on(target_id) is not None:
                continue
            try:
                self.reload(target_id)
            except TargetError as error:
                self._waiting.discard(target_id)
                _log.error("%s is used as it was loaded before: %s", target_id, error)
