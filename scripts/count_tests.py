"""Add up the JUnit files that pytest wrote into one folder and print one closing line."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree as ET


def count(folder: Path) -> tuple[int, int, int]:
    """Return how many tests passed, failed (errors among them) and were skipped.

    Args:
        folder: holds one `*.xml` per run, in pytest's JUnit format.
    """
    total = failed = skipped = 0
    for path in sorted(folder.glob("*.xml")):
        for suite in ET.parse(path).getroot().iter("testsuite"):  # noqa: S314  # our own pytest wrote it
            total += int(suite.get("tests", "0"))
            failed += int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
            skipped += int(suite.get("skipped", "0"))
    return total - failed - skipped, failed, skipped


def main() -> None:
    """Print `N passed, N failed, N skipped` for the folder named on the command line."""
    passed, failed, skipped = count(Path(sys.argv[1]))
    sys.stdout.write(f"{passed} passed, {failed} failed, {skipped} skipped\n")


if __name__ == "__main__":
    main()
