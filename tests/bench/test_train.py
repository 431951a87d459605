from __future__ import annotations

import math
import time
from dataclasses import replace

import pytest

from digitlab.bench.machine import Watch
from digitlab.bench.train import Peak, TrainingSpeed


def test_a_round_in_which_fit_left_a_core_idle_is_told_from_the_others() -> None:
    speed = TrainingSpeed(
        "a machine", plain=[2400, 4800, 2500], ours=[9600, 9000, 9700], plain_cores=[0.9, 1.7, 0.9],
        ours_cores=[1.9, 1.9, 1.8], peak=Peak(float32=400, bfloat16=800), operations=0.036,
    )  # fmt: skip
    assert speed.ratio == pytest.approx(9600 / 2500)
    assert speed.least_ratio == pytest.approx(2)
    assert speed.rows() == [
        ["keras.Model.fit, float32", "2,500", "2,400", "4,800", "0.9 to 1.7"],
        ["digitlab train", "9,600", "9,000", "9,700", "1.8 to 1.9"],
    ]
    assert {"ratio", "least_ratio", "plain_cores", "ratio_at_work"} <= speed.as_dict().keys()
    assert speed.whole == [2]
    assert speed.ratio_at_work == pytest.approx(9000 / 4800)
    always_idle = replace(speed, plain_cores=[0.9, 0.9, 0.9])
    assert always_idle.ratio_at_work is None


def test_a_watch_says_how_many_cores_were_at_work() -> None:
    asleep = Watch()
    time.sleep(0.2)
    seconds, cores = asleep()
    assert seconds >= 0.2
    assert cores < 0.5
    busy, until = Watch(), time.process_time() + 0.1
    while time.process_time() < until:
        math.sqrt(2)
    assert busy()[1] > cores
