"""Renders exercises in a school interior with exact truth: people, cameras, props, H.264 video.

The way of a picture: `wing` or `quiet` (a written exercise) -> `building` + `motion` (where
everybody is, metres and seconds) -> `bodies`, `pose`, `props` (triangles) -> `scene` and `gl`
(linear light) -> `develop` (lens, sensor) -> `video` (H.264) with `truth` beside it. `python -m
benchmarks.renderer` runs it from end to end.
"""
