"""Benchmarks, the drills they run on and the renderer that makes the drills."""
