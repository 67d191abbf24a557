"""Where in a Ray cluster workers can be: a GPU each, or a node each where there is no GPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Place:
    """A place for one worker of a run.

    Attributes:
        node_id: Ray's name of the node.
        node: what people call it.
        gpu: which of its GPUs, from 0; None where it works on processors.
    """

    node_id: str
    node: str
    gpu: int | None

    @property
    def key(self) -> str:
        """What tells it from other places of the cluster."""
        return f"{self.node_id}.{'cpu' if self.gpu is None else self.gpu}"

    def __str__(self) -> str:
        return self.node if self.gpu is None else f"{self.node} (GPU {self.gpu})"


def places_of(nodes: Iterable[Mapping[str, Any]], *, gpus: bool = True) -> list[Place]:
    """Return the places of a cluster, by name.

    Nodes without a GPU are left to others where some have one, and so are those that were started
    with no processors for Ray to use: the machine of the server may be one.

    Args:
        nodes: what `ray.nodes()` says.
        gpus: False where workers are to work on processors.
    """
    found = []
    for node in nodes:
        if not node["Alive"]:
            continue
        resources = node["Resources"]
        address = node["NodeManagerAddress"]
        given = node.get("NodeName", "")
        name = given if given and given != address else node.get("NodeManagerHostname") or address
        count = int(resources.get("GPU", 0)) if gpus else 0
        found += [Place(node["NodeID"], name, gpu) for gpu in range(count)]
        if not count and resources.get("CPU", 0) >= 1:
            found.append(Place(node["NodeID"], name, None))
    if any(place.gpu is not None for place in found):
        found = [place for place in found if place.gpu is not None]
    return sorted(found, key=lambda place: (place.node, place.node_id, place.gpu or 0))


def emptiest_first(
    places: Sequence[Place], taken: Iterable[str], round_: str
) -> list[tuple[Place, str]]:
    """Return the places that have no worker of a round yet, and the name of one there.

    The round is those of the workers that one run has, as a rule. Two of a run share no place,
    those of different runs must where there are not enough. The names are what the cluster knows
    workers by; it has no two of one name, so that two who choose at the same time choose apart.

    Args:
        places: all places.
        taken: names of the workers that there are.
        round_: of the worker that looks for a place.
    """
    names = set(taken)
    ends = [name.rpartition("/")[2] for name in names]
    free = [(place, name) for place in places if (name := f"{round_}/{place.key}") not in names]
    return sorted(free, key=lambda one: ends.count(one[0].key))
