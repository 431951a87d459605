import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.apps.cli import run
from digitlab.bench import steadiness
from digitlab.bench.steadiness import RATES, _taken, follow, measure_made_sequences
from digitlab.bench.steady_counts import Moment, RateFigures, judged_walk
from digitlab.examples.drawn_scenes import Truth
from digitlab.examples.scene_kinds import made_scene
from digitlab.jobs.events import Counted, Note
from digitlab.reading import Reader


@settings(deadline=None)
@given(st.sampled_from(RATES), st.integers(0, 999))
def test_frames_of_a_slower_camera_are_a_part_unevenly_spaced_and_some_are_lost(rate, seed):
    taken = sorted(_taken(1200, rate, np.random.default_rng(seed)))
    apart = 60 // rate
    assert 0.8 * 20 * rate - 2 <= len(taken) <= 20 * rate
    assert np.diff(taken).min() >= 0.5 * apart
    assert taken[-1] < 1200 + apart


def walked(scene, *told, read=None):
    """A frame every half second; numbers are told in the frames of these numbers."""
    moments, by_frame = [], dict(told)
    for number, at in enumerate(np.arange(0.0, scene.seconds, 0.5)):
        seen = "".join(text for text, *_ in scene.numbers) if read is None else read
        moments.append(Moment(float(at), Truth("", "nothing"), seen, None, 0, by_frame.get(number, ())))
    return judged_walk(scene, moments, 10)


def test_a_walk_counts_what_is_told_wrongly_twice_and_never():
    scene = made_scene("walk", 3)
    texts = [text for text, *_ in scene.numbers]
    assert len(set(texts)) == 8  # so that each of them is one
    right = walked(scene, *enumerate((text,) for text in texts))
    assert (right.numbers, right.numbers_wrong, right.numbers_doubled, right.numbers_lost) == (8, 0, 0, 0)
    wrong = walked(scene, (1, tuple(texts[:-1])), (9, (texts[0],)), (12, ("99999",)))
    assert (wrong.numbers, wrong.numbers_wrong, wrong.numbers_doubled, wrong.numbers_lost) == (8, 1, 1, 1)
    unread = walked(scene, (1, ("12345",)), read="")
    assert (unread.numbers, unread.numbers_unread, unread.numbers_wrong) == (
        0,
        8,
        0,
    )  # what is read wrongly is told wrongly: once


def test_figures_are_kept_as_they_are():
    figures = RateFigures(10, delays=[0.4, float("inf")], told=2, lost=1, numbers=3)
    assert RateFigures.of_dict(figures.as_dict()) == figures


@pytest.fixture
def counted(monkeypatch):
    """Sequences of four digits, counted without drawing them; which were."""
    done = []

    def sequence(kind, seed, mode):
        done.append((kind, seed))
        return tuple(RateFigures(rate, delays=[0.3] * 4, told=4) for rate in RATES)

    monkeypatch.setattr(steadiness, "_sequence", sequence)
    return done


def test_a_run_is_taken_up_where_it_ended_and_says_how_far_it_is(counted, tmp_path):
    kinds = ("canvas", "paper")
    heard = []
    first = measure_made_sequences(tmp_path, digits=10, kinds=kinds, listener=heard.append)
    assert [seed - 100_000 for _, seed in counted] == [0, 0, 1, 1]  # whole rounds
    assert first.sequences == 4
    assert first.rates[0].told == 16
    assert [each.done for each in heard if isinstance(each, Counted) and each.of == 10] == [0, 4, 8, 8, 10, 10]
    (tmp_path / "page-paper-100001.json").unlink()  # as if it had been interrupted there
    assert measure_made_sequences(tmp_path, digits=17, kinds=kinds, listener=heard.append).sequences == 6
    assert counted[4:] == [("paper", 100_001), ("canvas", 100_002), ("paper", 100_002)]


def test_what_another_version_counted_is_counted_anew_and_that_is_said(counted, tmp_path, monkeypatch):
    heard = []
    measure_made_sequences(tmp_path, digits=1, kinds=("canvas",), listener=heard.append)
    (tmp_path / "page-canvas-100001.json").write_text("half a fi")
    monkeypatch.setattr(steadiness, "_fingerprint", lambda _: "another")
    measure_made_sequences(tmp_path, digits=5, kinds=("canvas",), listener=heard.append)
    assert len(counted) == 3
    assert [each.text for each in heard if isinstance(each, Note)] == [
        f"2 sequences in {tmp_path} were counted by another version; they are counted again"
    ]


def test_the_table_stands_beside_what_is_asked(counted, tmp_path, capsys):
    assert run(["bench", "steadiness", "--quick", "--kinds", "canvas", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "0.30 s" in shown
    assert "≤ 0.9 s" in shown
    assert run(["bench", "steadiness", "--kinds", "film", "--out", str(tmp_path)]) == 2
    assert "expected some of canvas" in capsys.readouterr().err
    assert run(["bench", "steadiness", "--digits", "0"]) == 2


def test_a_real_sequence_is_read_at_every_rate():
    scene = made_scene("lights", 100_003)
    scene.seconds = 1.0
    moments = follow(scene, "page", Reader(threads=1))
    assert tuple(moments) == RATES
    assert [len(each) for each in moments.values()] == sorted(len(each) for each in moments.values())
    assert moments[30][-1].read == moments[30][-1].truth.text
