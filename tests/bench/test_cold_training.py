from __future__ import annotations

import pytest

import cold_training


def test_every_second_belongs_to_a_phase() -> None:
    events = [
        (100.0, "Begun", ""), (100.5, "Work", "loading TensorFlow"), (103.0, "Work", "opening mnist"),
        (103.5, "Started", ""), (104.5, "Progressed", ""), (106.0, "Progressed", ""), (106.25, "EpochEnded", ""),
        (108.0, "Progressed", ""), (108.25, "EpochEnded", ""), (108.5, "Stage", "evaluating on the test images"),
        (109.0, "Stage", "saving and exporting"), (110.0, "Stage", "writing the report"), (110.25, "Ended", ""),
        (110.5, "Gone", ""),
    ]  # fmt: skip
    found = cold_training.phases_of([(when, 0.0, kind, text) for when, kind, text in events])
    assert found == {
        "start": 0.5, "import": 2.5, "build": 0.5, "compile": 1.0, "train": 3.25, "watch": 0.5, "settle": 0.25,
        "measure": 0.5, "export": 1.0, "report": 0.25, "exit": 0.25,
    }  # fmt: skip
    assert sum(found.values()) == pytest.approx(10.5)


def test_bars_are_as_long_as_their_phases() -> None:
    phases = dict.fromkeys(cold_training.PHASES, 1.0)
    results = {name: {"phases": phases, "seconds": 11.0, "plain_seconds": 44.0} for name in ("before", "after")}
    (axes,) = cold_training.figure(results).axes
    widths = [bar.get_width() for bars in axes.containers for bar in bars]
    assert widths == [*[1.0] * 2 * len(phases), 44.0]
