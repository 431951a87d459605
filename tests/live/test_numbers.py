import pytest

from digitlab.examples.drawn_scenes import times_of_frames
from digitlab.examples.scene_kinds import made_scene
from digitlab.live import Track, Tracker
from digitlab.live.frame_reading import Detection
from digitlab.live.numbers import NumbersTold

SEVEN = tuple(0.91 if digit == 7 else 0.01 for digit in range(10))
SIZE = (240, 320)


def track(identity, digit, x, y=100, *, changing=False):
    return Track(identity, (x, y, x + 20, y + 40), digit, SEVEN, 0, 9, changing)


class Walk:
    """A camera that moves over a page with numbers, ten frames a second."""

    def __init__(self):
        self.told = NumbersTold()
        self.at = 0.0
        self.texts = []

    def look(self, *tracks, moved=(0.0, 0.0), frames=1):
        for _ in range(frames):
            self.texts += [number.text for number in self.told.add(tracks, SIZE, moved, self.at)]
            self.at += 0.1
        return self.texts


def test_neighbours_are_a_number_and_it_is_told_once():
    walk = Walk()
    assert walk.look(track(1, 6, 100), track(2, 8, 125), track(3, 4, 230), frames=20) == ["68", "4"]


def test_a_number_that_is_cut_off_waits_until_it_is_whole():
    walk = Walk()
    assert walk.look(track(1, 6, 290), frames=20) == []
    assert walk.look(track(1, 6, 150), track(2, 8, 175), moved=(-140, 0), frames=1) == []
    assert walk.look(track(1, 6, 150), track(2, 8, 175), frames=9) == ["68"]


def test_a_belt_that_runs_for_weeks_is_not_remembered_for_ever(monkeypatch):
    monkeypatch.setattr("digitlab.live.numbers._MOST_TOLD", 10)
    walk = Walk()
    for number in range(50):
        walk.look(track(number, number % 10, 150), moved=(-400.0, 0.0), frames=1)
        walk.look(track(number, number % 10, 150), frames=5)
    assert walk.texts == [str(number % 10) for number in range(50)]
    assert len(walk.told._told) == 10
    walk.look(track(100, 8, 150), moved=(400.0, 0.0), frames=1)  # back to the last but one, which is remembered
    assert len(walk.look(track(100, 8, 150), frames=5)) == 50


def test_undecided_and_growing_digits_wait():
    walk = Walk()
    assert walk.look(track(1, 6, 100), track(2, None, 125), frames=20) == []
    assert walk.look(track(1, 6, 100), track(2, 8, 125, changing=True), frames=20) == []


def test_there_and_back_tells_each_once_and_the_same_number_elsewhere_is_another():
    walk = Walk()
    places = {"68": 100, "7": 600, "68 again": 1100}
    x, identity = 0.0, 10
    for step in [12.0] * 85 + [-12.0] * 85:
        x += step
        view = []
        for number, (text, place) in enumerate(places.items()):
            for column, digit in enumerate(text.split()[0]):
                at = round(place + 25 * column - x)
                if -10 < at < 310:
                    view.append(track(identity + 2 * number + column, int(digit), at))
        walk.look(*view, moved=(-step, 0.0))
        if not view:
            identity += 100  # tracks that come back are new ones
    assert sorted(walk.texts) == ["68", "68", "7"]


def test_what_was_erased_may_be_told_again():
    walk = Walk()
    walk.look(track(1, 6, 100), frames=10)
    walk.told.erased([track(1, 6, 100)])
    assert walk.look(track(2, 6, 100), frames=10) == ["6", "6"]


def in_view(scene, at, image):
    """What a reader finds in a frame of a walk: whole digits surely, such as are cut off by the frame now and then."""
    found = []
    x, y = scene.walk.place(at)
    wide, high = scene.size
    for mark in scene.marks:
        height, width = mark.drawn.coverage.shape
        box = (round(mark.x - x), round(mark.y - y), round(mark.x - x) + width, round(mark.y - y) + height)
        seen = (max(0, box[0]), max(0, box[1]), min(wide, box[2]), min(high, box[3]))
        if seen[2] - seen[0] < 0.4 * width or seen[3] - seen[1] < 0.4 * height:
            continue
        digit = mark.drawn.digit if seen == box else None
        shares = tuple(0.97 if each == mark.drawn.digit else 0.03 / 9 for each in range(10))
        line = 0 if mark.y < 150 else 1
        found.append(Detection(seen, line, digit, shares if digit is not None else (0.1,) * 10, image=image))
    return sorted(found, key=lambda each: (each.line, each.box[0]))


@pytest.mark.parametrize("rate", [6, 15])
def test_a_walk_over_a_page_and_back_tells_each_number_once(rate):
    scene = made_scene("walk", 1)
    tracker, told = Tracker(whole=True), []
    for at in times_of_frames(scene.seconds, rate):
        image = scene.image(at)
        tracker.add(in_view(scene, at, image), at, image)
        told += [number.text for number in tracker.numbers]
    assert sorted(told) == sorted(number[0] for number in scene.numbers)
