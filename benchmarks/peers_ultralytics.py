"""The peer that most people take: ultralytics' multi-stream tracking.

    python peers_ultralytics.py      (`benchmarks.peers` starts it and tells it its job)

`YOLO(weights).track(source="cameras.streams", stream=True)`: the library reads each stream in a
thread, batches one frame of every stream and tracks each. Of RTSP it keeps the newest frame
(`stream_buffer=False`, its default); of files every frame counts, so there it buffers.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from benchmarks.peers_protocol import LOW_LATENCY, Results, Talk, stamp_of
from models.offline import keep_offline


def main() -> None:
    """Do the job."""
    talk = Talk()
    job = talk.job()
    if job.live:
        os.environ.update(LOW_LATENCY)
    keep_offline()
    import numpy as np  # noqa: PLC0415 - after the switches
    import ultralytics  # noqa: PLC0415

    library: Any = ultralytics
    model = library.YOLO(job.weights, task="detect")
    streams = Path(job.results).with_suffix(".streams")
    streams.write_text("\n".join(job.sources) + "\n", encoding="utf-8")
    width_px, height_px = job.input_px
    asked = {
        "conf": min(job.confidence),
        "iou": job.same_object_iou,
        "imgsz": (height_px, width_px),
        "verbose": False,
    }
    blank = np.zeros((360, 640, 3), np.uint8)
    for _ in range(2):
        model.predict([blank] * len(job.sources), **asked)
    tracker = str(job.options["tracker"])
    buffer = not job.live
    talk.ready(
        str(job.options["backend"]),
        ("ultralytics", "torch", "openvino", "opencv-python"),
        f"a .streams list, {tracker}, batch = number of streams, stream_buffer={buffer}",
    )
    raw: list[tuple[int, Any]] = []

    def keep_raw(predictor: Any) -> None:  # noqa: ANN401 - untyped library
        """Keep what was found before the tracker leaves boxes out."""
        raw[:] = [
            (stamp_of(picture), result.boxes.data.cpu().numpy().copy())
            for picture, result in zip(predictor.batch[1], predictor.results, strict=True)
        ]

    model.add_callback("on_predict_postprocess_end", keep_raw)  # the tracker's comes after it
    results = Results(job.most_results, job.limit_s)
    floor = np.array(job.confidence)
    tracked = model.track(
        source=str(streams), stream=True, tracker=tracker, stream_buffer=buffer, **asked
    )
    for turn, _ in enumerate(tracked):
        moment_s = time.time()
        camera = turn % len(job.sources)
        stamp, boxes = raw[camera]
        sure = boxes[:, 4] >= floor[boxes[:, 5].astype(int)]
        results.add(camera, stamp, boxes[sure], moment_s)
        if camera == len(job.sources) - 1 and results.enough:
            break
    talk.measured()
    results.write(job.results)
    talk.done()
    os._exit(0)  # its threads may wait for a stream for seconds


if __name__ == "__main__":
    main()
