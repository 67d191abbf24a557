"""What a figure was measured on: machine and versions, in words."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

MEASURED_PACKAGES = (
    "lastseen",
    "av",
    "numpy",
    "opencv-python",
    "openvino",
    "scipy",
    "shapely",
    "supervision",
    "torch",
    "trackers",
    "ultralytics",
)


def machine_facts(**more: str) -> dict[str, str]:
    """Processor, cores, memory and systems of this machine, and whatever `more` adds."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory_gib": str(round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **more,
    }


def package_versions() -> dict[str, str]:
    """Versions of the packages that a figure can depend on; those not installed are left out."""
    versions = {}
    for name in MEASURED_PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names and names[0] else platform.machine()
