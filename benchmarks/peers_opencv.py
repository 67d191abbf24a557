"""The peer that everybody writes first: one loop over `cv2.VideoCapture`, detect, track.

    python peers_opencv.py      (`benchmarks.peers` starts it and tells it its job)

One frame is read of each camera in turn, all are detected as one batch by the same detector as
ours, and each camera has the same tracker as ours.
"""

from __future__ import annotations

import os

import cv2
import numpy as np

from benchmarks.peers_protocol import LOW_LATENCY, PERSON, WEAPON, Results, Talk, stamp_of
from vision.track import CameraTracker
from vision.yolo import load_detector


def main() -> None:
    """Do the job."""
    talk = Talk()
    job = talk.job()
    if job.live:
        os.environ.update(LOW_LATENCY)
    detector = load_detector("cpu")
    person = detector.class_names.index("person")
    blank = np.zeros((360, 640, 3), np.uint8)
    for _ in range(3):
        detector.detect([blank] * len(job.sources))
    talk.ready(
        detector.backend,
        ("opencv-python", "openvino", "trackers"),
        "one cv2.VideoCapture a camera, read in turn; RTSP over TCP, nobuffer, low_delay; one "
        "batch of all cameras; ByteTrack",
    )
    captures = [cv2.VideoCapture(source) for source in job.sources]
    for capture in captures:
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    trackers = [CameraTracker(nominal_fps=job.fps) for _ in captures]
    results = Results(job.most_results, job.limit_s)
    turn = 0
    while not results.enough:
        read = [capture.read() for capture in captures]
        there = [
            (camera, np.asarray(image, np.uint8)) for camera, (ok, image) in enumerate(read) if ok
        ]
        if not there:
            break
        turn += 1
        found = detector.detect([image for _, image in there])
        for (camera, image), boxes in zip(there, found, strict=True):
            trackers[camera].identify(boxes.persons(), turn / job.fps)
            classes = np.where(boxes.class_id == person, PERSON, WEAPON)
            rows = np.column_stack([boxes.xyxy_px, boxes.confidence, classes])
            results.add(camera, stamp_of(image), rows.astype(np.float32))
    talk.measured()
    results.write(job.results)
    talk.done()
    os._exit(0)  # releasing captures of a server that falls silent takes seconds each


if __name__ == "__main__":
    main()
