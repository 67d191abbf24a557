"""Roboflow's `InferencePipeline` with our network inside.

    PYTHON_OF_ITS_OWN peers_inference.py      (`benchmarks.peers` starts it and tells it its job)

Its models come from a hub; with `init_with_custom_logic` its pipeline reads, buffers and batches
the cameras around any detector. Here that is the very detector that ours uses, so what is measured
is the pipeline. Each camera has a ByteTrack of the `trackers` package that it comes with.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.peers_protocol import LOW_LATENCY, PERSON, WEAPON, Results, Talk, stamp_of
from vision.yolo import load_detector

SWITCHES = {
    **{f"CORE_MODEL_{name}_ENABLED": "False" for name in ("SAM", "SAM3", "GAZE", "YOLO_WORLD")},
    "METRICS_ENABLED": "False",
    "TELEMETRY_OPT_OUT": "True",
    "OFFLINE_MODE": "True",
}
"""Read when the library is imported: models of its hub are not used, and nothing is reported."""


def main() -> None:
    """Do the job."""
    talk = Talk()
    job = talk.job()
    warnings.simplefilter("ignore")
    os.environ.update(SWITCHES)
    if job.live:
        os.environ.update(LOW_LATENCY)
    import supervision as sv  # noqa: PLC0415 - seconds to import
    from trackers import ByteTrackTracker  # noqa: PLC0415

    pipelines: Any = import_module("inference").InferencePipeline

    detector = load_detector("cpu")
    blank = np.zeros((360, 640, 3), np.uint8)
    for _ in range(3):
        detector.detect([blank] * len(job.sources))
    trackers = [
        ByteTrackTracker(frame_rate=job.fps, track_activation_threshold=0.4) for _ in job.sources
    ]
    results = Results(job.most_results, job.limit_s)
    person = detector.class_names.index("person")

    def on_frames(frames: list[Any]) -> list[dict[str, Any]]:
        """Detect in one frame of each camera and track."""
        told = []
        for frame, boxes in zip(frames, detector.detect([f.image for f in frames]), strict=True):
            persons = boxes.persons()
            tracks = trackers[frame.source_id].update(
                sv.Detections(
                    xyxy=persons.xyxy_px.astype(np.float64),
                    confidence=persons.confidence.astype(np.float64),
                    class_id=np.zeros(len(persons), int),
                )
            )
            classes = np.where(boxes.class_id == person, PERSON, WEAPON)
            rows = np.column_stack([boxes.xyxy_px, boxes.confidence, classes]).astype(np.float32)
            told.append({"tracks": tracks, "rows": rows, "stamp": stamp_of(frame.image)})
        return told

    def on_prediction(predictions: Any, frames: Any) -> None:  # noqa: ANN401 - one or a list
        """Take the results; the pipeline calls this in a thread of its own."""
        moment_s = time.time()
        one = isinstance(predictions, dict)
        for told, frame in zip(
            [predictions] if one else predictions, [frames] if one else frames, strict=True
        ):
            if told is not None:
                results.add(frame.source_id, told["stamp"], told["rows"], moment_s)
        if results.enough:
            pipeline.terminate()

    mode = job.options.get("mode") if job.live else None
    asked = {"video_processing_mode": mode} if mode else {}
    talk.ready(
        detector.backend,
        ("inference", "openvino", "trackers", "opencv-python"),
        f"init_with_custom_logic, video_processing_mode={mode or 'its default for files'}; the "
        f"network by this project's OpenVINO detector; ByteTrack",
    )
    pipeline = pipelines.init_with_custom_logic(
        video_reference=list(job.sources),
        on_video_frame=on_frames,
        on_prediction=on_prediction,
        **asked,
    )
    pipeline.start(use_main_thread=False)
    ended = threading.Thread(target=pipeline.join, daemon=True)
    ended.start()
    while not results.enough and ended.is_alive():
        ended.join(0.05)
    talk.measured()
    results.write(job.results)
    talk.done()
    os._exit(0)  # its threads may wait for a stream for seconds


if __name__ == "__main__":
    main()
