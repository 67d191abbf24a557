from __future__ import annotations

import numpy as np
import pytest

from benchmarks.renderer.motion import RATE_HZ, Stand, Walk, plan_motion


def test_walks_to_the_end_at_the_speed_and_stops() -> None:
    motion = plan_motion(1.0, (0, 0), (1, 0), (Walk(((4, 0), (4, 3)), 1.25), Stand(2.0, (4, 10))))
    assert motion.xy_m[-1] == pytest.approx((4, 3), abs=0.01)
    assert motion.speed_mps.max() == pytest.approx(1.25)
    assert motion.speed_mps[-1] == 0
    assert motion.heading_rad[-1] == pytest.approx(np.pi / 2, abs=0.05)
    assert motion.at(-10.0)[0] == pytest.approx((0, 0))
    assert motion.at(1e6)[0] == pytest.approx((4, 3), abs=0.01)


def test_nobody_jumps_or_spins() -> None:
    acts = (Walk(((3, 0), (3, 3)), 1.3), Walk(((0, 3),), 3.2), Stand(1.0))
    motion = plan_motion(0.0, (0, 0), (1, 0), acts)
    steps = np.linalg.norm(np.diff(motion.xy_m, axis=0), axis=1) * RATE_HZ
    assert steps.max() < 3.3
    assert np.abs(np.diff(motion.heading_rad)).max() * RATE_HZ < 3.7
    assert np.abs(np.diff(motion.speed_mps)[:-60]).max() * RATE_HZ < 6.0


def test_a_stand_holds_the_place_for_its_seconds() -> None:
    motion = plan_motion(0.0, (2, 2), (3, 2), (Stand(3.0),))
    assert motion.end_s == pytest.approx(3.0, abs=0.05)
    assert (motion.xy_m == (2, 2)).all()
