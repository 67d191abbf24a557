"""A Ray cluster, to a process that has connected to it; the only module that imports ray."""

from __future__ import annotations

import logging
import os
import socket
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from .errors import RayError
from .ray_actor import CameraActor
from .ray_places import Place, emptiest_first, places_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger(__name__)

NAMESPACE: Final = "lastseen"
CONNECT_S: Final = 2.0
HELLO_S: Final = 30.0
"""A node that has not begun to run a worker within this time is tried no longer."""


class WorkerLostError(RayError):
    """A worker in the cluster died, or the node that it was on."""


class TakenError(RayError):
    """Somebody was quicker to take a place."""


class UnreachableError(RayError):
    """Nothing was heard of a worker in time; it may be there or not."""


def connect(address: str) -> None:
    """Connect this process to the cluster.

    Args:
        address: `host:port` of its head.

    Raises:
        RayError: ray is not installed, or no cluster answers, or none that this process can use.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise RayError(
            f"{address}: is not the address of a Ray cluster; it is host:port of its head, for "
            "example 10.0.0.5:6379"
        )
    # Before the import, which reads them: nothing is reported to anybody.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_COLOR_PREFIX"] = "0"
    try:
        import ray  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise RayError("ray is not installed; install lastseen[ray]") from error
    try:
        socket.create_connection((host, int(port)), CONNECT_S).close()
    except OSError as error:
        raise RayError(f"no Ray cluster answers at {address}: {error.strerror or error}") from error
    try:
        ray.init(
            address=address,
            namespace=NAMESPACE,
            log_to_driver=False,
            configure_logging=False,
            logging_level=logging.ERROR,
        )
    except Exception as error:
        raise RayError(f"the Ray cluster at {address} cannot be used: {_why(error)}") from error


def _why(error: Exception) -> str:
    """What ray says, in its first line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def places(*, gpus: bool = True) -> list[Place]:
    """Return where workers can be now; see `api.ray_places.places_of`."""
    import ray  # noqa: PLC0415 - an extra, and slow to import

    nodes: Any = ray.nodes  # it has no types
    return places_of(nodes(), gpus=gpus)


def free_places(found: Sequence[Place], round_: str) -> list[tuple[Place, str]]:
    """Return where there is no worker of a round yet; see `api.ray_places.emptiest_first`."""
    from ray.util import list_named_actors  # noqa: PLC0415 - an extra, and slow to import

    return emptiest_first(found, list_named_actors(), round_)


class RemoteWorker:
    """A worker in the cluster.

    It dies with the process that made it. Ray restarts neither it nor calls of it: whoever made it
    starts another.

    Args:
        place: where it is to be.
        name: its name in the cluster.

    Raises:
        TakenError: somebody was quicker to take the place.
    """

    def __init__(self, place: Place, name: str) -> None:
        import ray  # noqa: PLC0415 - an extra, and slow to import
        from ray.util.scheduling_strategies import (  # noqa: PLC0415 - the same
            NodeAffinitySchedulingStrategy,
        )

        self.place = place
        self._ray: Any = ray
        made: Any = ray.remote(CameraActor)
        options = {
            "name": name,
            "max_restarts": 0,
            "max_task_retries": 0,
            "max_concurrency": 8,
            # The place is chosen here; Ray would put two on one GPU, or wait for processors.
            "num_cpus": 0,
            "num_gpus": 0,
            "scheduling_strategy": NodeAffinitySchedulingStrategy(place.node_id, soft=False),
        }
        try:
            self._actor: Any = made.options(**options).remote()
        except ValueError as error:
            raise TakenError(f"{place} was taken by another") from error

    def call(self, method: str, *given: object) -> Any:  # noqa: ANN401 - of ray
        """Ask for something; returns at once what `wait` waits for."""
        return getattr(self._actor, method).remote(*given)

    def wait(self, asked: Any, wait_s: float) -> Any:  # noqa: ANN401 - whatever was asked for
        """What was asked for; None where it has not come after `wait_s`.

        Raises:
            UnreachableError: the connection broke, and what was asked may have been done or not.
            WorkerLostError: it is no more.
        """
        done, _ = self._ray.wait([asked], timeout=wait_s)
        if not done:
            return None
        errors = self._ray.exceptions
        try:
            return self._ray.get(asked)
        except errors.ActorUnavailableError as error:
            raise UnreachableError(f"{self.place} cannot be reached") from error
        except errors.RayError as error:
            raise WorkerLostError(why_lost(str(error), self.place)) from error

    def check(self, theirs: str | None) -> None:
        """See that it is of this version.

        Args:
            theirs: what it answered to `hello`; None where it has not in `HELLO_S`.

        Raises:
            RayError: it is of another, or nobody knows.
        """
        if theirs is None:
            raise UnreachableError(f"{self.place} did not run a worker within {HELLO_S:g} s")
        if theirs != version("lastseen"):
            raise RayError(
                f"{self.place} has lastseen {theirs} and this server {version('lastseen')}; "
                "install the same version on every machine of the cluster"
            )

    def kill(self) -> None:
        """End it."""
        self._ray.kill(self._actor, no_restart=True)


def why_lost(said: str, place: Place) -> str:
    """Return why a worker is no more, in a few words, from what Ray says."""
    if "failed to import" in said or "ModuleNotFoundError" in said:
        return f"lastseen is not installed on {place}, or not for the same Python"
    if "its node has died" in said or "node was terminated" in said:
        return f"{place} was lost"
    return f"its process on {place} died"
