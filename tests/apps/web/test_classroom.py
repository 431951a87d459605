"""A class as a value: who is in it, what is drawn, what is kept. No server."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("fastapi")

from digitlab.apps.web.classroom import ClassLimits, Classroom
from digitlab.apps.web.classroom.links import own_addresses, qr_modules
from digitlab.apps.web.classroom.pictures import MOST_BYTES, on_the_wall, sketched
from digitlab.apps.web.classroom.training import class_digits
from digitlab.apps.web.classroom.values import RefusalError, plain_nickname
from digitlab.errors import ImageError

GLYPH = np.zeros((28, 28), np.uint8)


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def room(clock: Clock) -> Classroom:
    return Classroom(now=clock)


def refused(reason: str):
    return pytest.raises(RefusalError, check=lambda error: error.reason == reason)


def draw(room: Classroom, key: str, answer: int | None = None) -> int:
    """Hand in what the task is; returns its label."""
    label = room.label_for(room.of_key(key))
    room.may_hand_in(key, label)
    room.hand_in(key, label, b"png", GLYPH + label, label if answer is None else answer, 0.9)
    return label


def test_the_code_and_then_the_own_key(room: Classroom) -> None:
    key, ana = room.join(room.code.lower().replace("-", " "), " Ana ")
    other, ben = room.join(room.code, "Ben")
    assert (ana.name, ben.name, key != other) == ("Ana", "Ben", True)
    assert room.of_key(key).number == ana.number
    for wrong in ("", "x", key[:-1], room.code):
        with refused("key"):
            room.of_key(wrong)
    for wrong in ("", "AAAA-AAAA", room.code[:-1], room.code + "A", "\ud800" * 40):
        with refused("code"):
            room.join(wrong, "Eve")


def test_wrong_codes_are_slowed_down_and_right_ones_are_not(room: Classroom) -> None:
    for _ in range(room.limits.guesses[1]):
        with refused("code"):
            room.join("AAAA-AAAA", "Eve")
    with refused("often"):
        room.join("AAAA-AAAA", "Eve")
    assert room.join(room.code, "Ana")[1].name == "Ana"


@given(st.text(max_size=60))
def test_a_nickname_is_one_short_visible_line_or_refused(text: str) -> None:
    try:
        name = plain_nickname(text)
    except RefusalError:
        return
    assert 1 <= len(name) <= 20
    assert name == " ".join(name.split())
    assert all(unicodedata.category(each)[0] != "C" for each in name)
    assert plain_nickname(name) == name


def test_markup_stays_what_was_typed_and_long_marks_do_not() -> None:
    assert plain_nickname("<b>Ana</b>") == "<b>Ana</b>"
    assert plain_nickname("../../etc/passwd") == "../../etc/passwd"
    assert plain_nickname("Z" + "\u0335" * 30 + "o") == "Z\u0335\u0335o"
    assert plain_nickname("Z" + "\u0335\u200b" * 30 + "o") == "Z\u0335\u0335o"
    for wrong in ("", "   ", "\u200b\u200d", "\u3164", "<>", "x" * 21):
        with refused("name"):
            plain_nickname(wrong)


def test_a_name_is_one_pupils(room: Classroom) -> None:
    room.join(room.code, "Ana")
    for same in ("ana", "ＡＮＡ", " Ana\u200b"):
        with refused("taken"):
            room.join(room.code, same)


def test_the_tasks_go_round_or_are_one_for_all(room: Classroom, clock: Clock) -> None:
    key, _ = room.join(room.code, "Ana")
    for expected in (0, 1, 2):
        clock.seconds += 2
        assert draw(room, key) == expected
    room.set_task(7)
    clock.seconds += 2
    room.may_hand_in(key, 3)  # was begun before the task changed
    room.may_hand_in(key, 7)
    clock.seconds += 61
    with refused("task"):
        room.may_hand_in(key, 3)
    with refused("task"):
        room.may_hand_in(key, 5)


def test_a_pupil_can_do_so_much_and_no_more(clock: Clock) -> None:
    room = Classroom(ClassLimits(pupils=2, drawings=3), now=clock)
    key, _ = room.join(room.code, "Ana")
    other, _ = room.join(room.code, "Ben")
    with refused("full"):
        room.join(room.code, "Cid")
    for _ in range(room.limits.sketches[1]):
        room.may_sketch(key)
    with refused("often"):
        room.may_sketch(key)
    room.may_sketch(other)
    clock.seconds += 1
    room.may_sketch(key)
    for _ in range(3):
        draw(room, key)
    with refused("full"):
        draw(room, key)
    room.let_join(False)
    room.remove_pupil(2)
    with refused("closed"):
        room.join(room.code, "Cid")


def test_a_wall_is_told_what_changed_and_only_that(room: Classroom) -> None:
    ana, first = room.join(room.code, "Ana")
    ben, second = room.join(room.code, "Ben")
    all_ = room.changes(0)
    assert [each.name for each in all_.pupils] == ["Ana", "Ben"]
    sketch = room.show(ben, b"1")
    now = room.changes(all_.version)
    assert ([each.name for each in now.pupils], now.gone) == (["Ben"], ())
    room.show(ben, b"2")
    room.note_reading(second.number, sketch.number, 7, 0.9)  # comes too late
    assert room.pupil(second.number).sketch.read is False
    room.note_reading(second.number, 2, 7, 0.9)
    assert room.pupil(second.number).sketch.answer == 7
    room.remove_pupil(first.number)
    assert room.changes(now.version).gone == (first.number,)
    with refused("key"):
        room.show(ana, b"3")
    assert room.changes(room.version) == type(now)(room.version, (), ())


def test_the_teacher_removes_a_drawing_a_name_a_pupil(room: Classroom) -> None:
    key, ana = room.join(room.code, "Rude name")
    draw(room, key)
    draw(room, key, answer=9)
    assert room.pupil(ana.number).right == 1
    assert room.rename(ana.number).name == f"Pupil {ana.number}"
    room.remove_drawing(ana.number, 1)
    assert [each.label for each in room.of_key(key).drawings] == [1]
    assert draw(room, key) == 2, "a removed one is not asked for again"
    assert [each.number for each in room.of_key(key).drawings] == [2, 3]
    with refused("missing"):
        room.remove_drawing(ana.number, 1)
    room.remove_pupil(ana.number)
    for gone in (room.pupil, room.rename, room.remove_pupil):
        with refused("missing"):
            gone(ana.number)
    with refused("key"):
        room.of_key(key)


def test_begin_again_forgets_everything(room: Classroom) -> None:
    key, _ = room.join(room.code, "Ana")
    draw(room, key)
    before = room.code
    room.begin_again()
    assert room.pupils == ()
    assert room.code != before
    with refused("code"):
        room.join(before, "Ana")
    with refused("empty"):
        room.collection()
    with refused("key"):
        room.of_key(key)


def test_what_is_kept_is_what_stands_there(room: Classroom) -> None:
    keys = [room.join(room.code, name)[0] for name in ("Ana", "<i>")]
    for key in keys * 2:
        draw(room, key)
    first = room.collection()
    assert first.labels.tolist() == [0, 1, 0, 1]
    assert first.writers.tolist() == ["Ana", "Ana", "<i>", "<i>"]
    assert first.images[1].max() == 1
    room.note_kept(first)
    draw(room, keys[0])
    assert [each.kept for each in room.of_key(keys[0]).drawings] == [True, True, False]
    room.withdraw(keys[1], 1)
    assert room.collection().writers.tolist() == ["Ana", "Ana", "Ana", "<i>"]


def test_what_was_removed_or_renamed_since_is_known_to_be_in_the_file(room: Classroom) -> None:
    keys = [room.join(room.code, name)[0] for name in ("Ana", "Ben", "Pupil 1")]
    for key in keys[:2] * 2:
        draw(room, key)
    assert room.only_in_file == 0
    room.note_kept(room.collection())
    assert room.only_in_file == 0
    room.withdraw(keys[1], 1)
    assert room.only_in_file == 1
    assert room.rename(1).name == room.rename(1).name == "Pupil 1*", "a name is taken away once"
    assert [each.kept for each in room.of_key(keys[0]).drawings] == [False, False], "not under this name"
    assert room.only_in_file == 3
    room.note_kept(room.collection())
    assert room.only_in_file == 0
    assert all(each.kept for pupil in room.pupils for each in pupil.drawings)
    room.begin_again()
    assert room.only_in_file == 0, "what was kept stays in its file"


def test_a_phone_reads_the_link_in_the_code() -> None:
    import cv2

    link = "http://192.168.100.115:8321/class#ABCD-EFGH"
    dark = np.pad(qr_modules(link), 4)
    picture = np.kron(np.where(dark, 0, 255).astype(np.uint8), np.ones((6, 6), np.uint8))
    assert cv2.QRCodeDetector().detectAndDecode(np.asarray(picture, np.uint8))[0] == link
    assert own_addresses("192.168.1.5", 80) == ["http://192.168.1.5:80"]
    assert all("0.0.0.0" not in each for each in own_addresses("0.0.0.0", 80))  # noqa: S104


def test_only_a_pads_picture_is_taken_and_painted_anew(as_file) -> None:
    paper = np.full((240, 320, 3), 255, np.uint8)
    assert on_the_wall(sketched(as_file(paper))) is None
    paper[40:200, 150:170] = 0
    made = on_the_wall(sketched(as_file(paper) + b"<script>"))
    assert b"script" not in made
    assert on_the_wall(sketched(as_file(np.zeros((1, 76_800), np.uint8)))) is not None
    assert len(made) < 3000
    for wrong in (
        as_file(paper, "JPEG"),
        b"",
        as_file(np.zeros((500, 500), np.uint8)),
        as_file(paper) + bytes(MOST_BYTES),
    ):
        with pytest.raises(ImageError):
            sketched(wrong)


def test_some_pupils_are_left_out_of_a_training(tmp_path) -> None:
    from digitlab.jobs.practice import write_digits_by_writer
    from digitlab.values import Digits

    images = np.arange(80 * 784).reshape(80, 28, 28).astype(np.uint8)
    digits = Digits(images, (np.arange(80) % 10).astype(np.uint8))
    path = tmp_path / "class.npz"
    write_digits_by_writer(path, digits, np.array([f"pupil {row % 8}" for row in range(80)]))
    held = class_digits(path, seed=1)
    assert (len(held.train), len(held.test), held.pupils) == (60, 20, 2)
    mixed = held.mixed_into(digits)
    assert len(mixed) == 80 + 60, "no more than a fifth of the images are repeated"
    many = Digits(np.repeat(images, 20, axis=0), np.repeat(digits.labels, 20))
    assert len(held.mixed_into(many)) == 1600 + 5 * 60
    write_digits_by_writer(path, digits, np.array(["Ana"] * 80))
    assert (len(class_digits(path, 1).test), class_digits(path, 1).pupils) == (20, 0)
