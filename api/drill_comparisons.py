"""Comparisons of kept runs: made one at a time, because each takes a second of a processor."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .compare import compared, comparison_page
from .compare_runs import load_compared
from .errors import CompareError, ProblemError

if TYPE_CHECKING:
    from .drill_run_files import KeptRun, RunFiles

_MOST: Final = 8
_making = threading.Lock()
_made: OrderedDict[tuple[str, ...], Comparison] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison, as a page of one file and as JSON."""

    page: str
    as_json: str


def comparison(files: RunFiles, a: KeptRun, b: KeptRun) -> Comparison:
    """Return the comparison of two runs of one drill; the newest few are remembered.

    Raises:
        ProblemError: they cannot be compared.
    """
    paths = files.path(a), files.path(b)
    key = (*map(str, paths), str(a.ended_s), str(b.ended_s))
    with _making:
        known = _made.pop(key, None)
        if known is None:
            names = [_name(kept) for kept in (a, b)]
            try:
                first, second = (
                    load_compared(path, name) for path, name in zip(paths, names, strict=True)
                )
                told = compared(first, second)
            except CompareError as error:
                # Of a file only what is wrong with it is told, not where it lies.
                why = str(error).replace(f"{files.path(a).parent}/", "")
                raise ProblemError(
                    409, "runs-not-comparable", "These runs cannot be compared", why
                ) from error
            known = Comparison(comparison_page(first, second, told), json.dumps(told))
        _made[key] = known
        while len(_made) > _MOST:
            _made.popitem(last=False)
        return known


def _name(kept: KeptRun) -> str:
    return f"{kept.run}, {kept.by}" if kept.by else kept.run
