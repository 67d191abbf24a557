"""Exports weights as ultralytics' users do for a CPU: its own OpenVINO export, for one batch size.

    python peers_export.py WEIGHTS FOLDER BATCH PRECISION [DATA.yaml]

PRECISION is 16 or 8; 8 is calibrated with the pictures that the data file names. It prints the
folder of the model. The interpreter is the one that ultralytics is measured with.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from models.offline import keep_offline


def main() -> None:
    """Export."""
    weights, folder, batch, precision, *data = sys.argv[1:]
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    keep_offline()
    import ultralytics  # noqa: PLC0415 - after the switches

    library: Any = ultralytics
    copy = Path(folder) / "peer.pt"
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(weights, copy)
    more = {"data": data[0]} if data else {}
    written = library.YOLO(str(copy)).export(
        format="openvino",
        imgsz=(384, 640),
        batch=int(batch),
        quantize=int(precision),
        verbose=False,
        **more,
    )
    out.write(f"{written}\n")
    out.flush()


if __name__ == "__main__":
    main()
