"""How much one look at a person tells about a weapon: measured rates, one file a checkpoint."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tomli_w

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOOKS_FOLDER = Path(__file__).parent / "looks"
SMOOTHING_COUNT = 0.5
"""Added to every cell before rates are taken (Jeffreys prior), so that no rate is 0 or 1."""


class LookRatesError(ValueError):
    """A file of look rates is missing or malformed; the message names the file and the field."""


@dataclass(frozen=True, slots=True, eq=False)
class LookRates:
    """Counts of looks at persons, by the person's pixel height and the weapon's confidence.

    A look is one frame of one person. Its outcome is the confidence of the best weapon box that
    belongs to the person, cut into bins: bin 0 is "no weapon box", bin k a confidence of at least
    `confidence_edges[k - 1]`.

    Attributes:
        height_edges_px: `(H - 1,)` ascending person heights that divide the `H` rows.
        confidence_edges: `(C - 1,)` ascending confidences that divide the `C` columns.
        armed: `(H, C)` counts of looks at persons whose weapon is in view.
        unarmed: `(H, C)` counts of looks at persons without a weapon.
        source: what was measured, in words.
    """

    height_edges_px: NDArray[np.float64]
    confidence_edges: NDArray[np.float64]
    armed: NDArray[np.float64]
    unarmed: NDArray[np.float64]
    source: str

    def __post_init__(self) -> None:
        shape = (len(self.height_edges_px) + 1, len(self.confidence_edges) + 1)
        for name, counts in (("armed", self.armed), ("unarmed", self.unarmed)):
            if counts.shape != shape:
                raise LookRatesError(f"{name}: expected shape {shape}, got {counts.shape}")
            if (counts < 0).any():
                raise LookRatesError(f"{name}: counts must not be negative")

    @classmethod
    def silent(cls) -> LookRates:
        """Rates of a source that cannot see weapons: every look leaves the evidence as it was."""
        even = np.ones((1, 2))
        return cls(np.zeros(0), np.array([0.5]), even, even.copy(), "sees no weapons")

    @property
    def faintest(self) -> float:
        """Confidence from which weapon boxes were counted, and must be reported to be used."""
        return float(self.confidence_edges[0])

    def log_rates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Log P(outcome | weapon in view) and log P(outcome | unarmed), both `(H, C)`."""
        return _log_rates(self.armed), _log_rates(self.unarmed)

    def outcome_bins(
        self, person_height_px: NDArray[np.floating[Any]], confidence: NDArray[np.floating[Any]]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of each look, both `(N,)`; a confidence of 0 means no weapon box."""
        rows = np.searchsorted(self.height_edges_px, person_height_px, side="right")
        columns = np.searchsorted(self.confidence_edges, confidence, side="right")
        return rows, columns


def _log_rates(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    smoothed = counts + SMOOTHING_COUNT
    rates: NDArray[np.float64] = np.log(smoothed / smoothed.sum(axis=1, keepdims=True))
    return rates


def read_look_rates(checkpoint: str, folder: Path = LOOKS_FOLDER) -> LookRates:
    """The look rates measured for the checkpoint of this name.

    Raises:
        LookRatesError: if there is no such file, or a field is missing or malformed.
    """
    path = folder / f"{checkpoint}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return LookRates(
            np.asarray(table["height_edges_px"], np.float64),
            np.asarray(table["confidence_edges"], np.float64),
            np.asarray(table["armed"], np.float64),
            np.asarray(table["unarmed"], np.float64),
            str(table["source"]),
        )
    except FileNotFoundError:
        raise LookRatesError(
            f"{path}: no look rates for checkpoint {checkpoint!r}; "
            f"measure them with 'lastseen models looks'"
        ) from None
    except KeyError as missing:
        raise LookRatesError(f"{path}: field {missing} is missing") from None
    except ValueError as error:
        raise LookRatesError(f"{path}: {error}") from None


def write_look_rates(rates: LookRates, checkpoint: str, folder: Path = LOOKS_FOLDER) -> Path:
    """Write the rates beside the checkpoint's card and return the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{checkpoint}.toml"
    table = {
        "source": rates.source,
        "height_edges_px": rates.height_edges_px.tolist(),
        "confidence_edges": rates.confidence_edges.tolist(),
        "armed": rates.armed.tolist(),
        "unarmed": rates.unarmed.tolist(),
    }
    path.write_text(tomli_w.dumps(table), encoding="utf-8")
    return path
