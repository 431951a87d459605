from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from digitlab.errors import DatasetError, RunError
from digitlab.evaluation.answers import Answers, by_recipe, expect_same_images, group_names, printable, read_answers
from digitlab.runs import Predictions, Run

LABELS = np.arange(40, dtype=np.uint8) % 10


def predictions(labels: np.ndarray = LABELS, picture: int = 0) -> Predictions:
    probabilities = np.full((len(labels), 10), 0.1, np.float32)
    return Predictions(probabilities, labels, np.array([3, 7]), np.full((2, 28, 28), picture, np.uint8))


def made(
    folder: Path, *, about: dict | None = None, picture: int = 0, labels: np.ndarray = LABELS, **settings: object
) -> Run:
    """A run folder as a training leaves it."""
    folder.mkdir(parents=True)
    run = Run(folder)
    if settings:
        run.write_config(settings)
    run.write_predictions(predictions(labels, picture))
    run.write_json(run.metrics, {"model": "m", "data": "mnist", "split": "test", **(about or {})})
    return run


def test_a_run_says_what_it_answered_and_how_it_was_trained(tmp_path: Path) -> None:
    run = made(tmp_path / "run", seed=4, name="fast", epochs=2)
    read = read_answers(run.path)
    assert (read.name, read.data, read.split, read.seed) == ("run", "mnist", "test", 4)
    assert dict(read.settings) == {"epochs": 2}
    assert read.images == "40 images (mnist, test)"
    np.testing.assert_array_equal(read.labels, LABELS)
    assert sorted(read.pictures) == [3, 7]
    assert read_answers(run.predictions).settings == read.settings


def test_an_evaluation_inside_a_run_has_its_recipe(tmp_path: Path) -> None:
    run = made(tmp_path / "run", seed=4, epochs=2, tta=5)
    inner = run.evaluation("mnist-c-fog")
    inner.write_predictions(predictions())
    inner.write_json(inner.metrics, {"data": "mnist-c/fog", "split": "test"})
    read = read_answers(inner.path)
    assert (read.name, read.seed, read.settings) == ("run", 4, {"epochs": 2})
    copies = made(run.path / "evaluations" / "mnist-tta-5", about={"tta": 5})
    assert read_answers(copies.path).name == "run (mean of 5 copies)"
    assert read_answers(copies.path).settings == {"epochs": 2, "tta": 5}


def test_a_folder_called_evaluations_is_no_run(tmp_path: Path) -> None:
    assert read_answers(made(tmp_path / "evaluations" / "mine").path).name == "mine"


def test_a_file_of_probabilities_and_labels_will_do(tmp_path: Path) -> None:
    path = tmp_path / "theirs.npz"
    np.savez(path, probabilities=np.full((40, 10), 0.1), labels=LABELS.astype(np.int64))
    read = read_answers(path)
    assert (read.name, read.data, dict(read.settings), dict(read.pictures)) == ("theirs.npz", None, {}, {})
    assert read.images == "40 images"


def test_a_run_whose_training_goes_on_is_named(tmp_path: Path) -> None:
    Run(tmp_path).write_config({"epochs": 2})
    with pytest.raises(RunError, match=r"training has not finished.*digitlab train --resume"):
        read_answers(tmp_path)


def test_a_model_without_answers_can_be_measured(tmp_path: Path) -> None:
    Run(tmp_path).onnx.write_bytes(b"onnx")
    with pytest.raises(RunError, match=r"lacks predictions\.npz; run `digitlab evaluate"):
        read_answers(tmp_path)


@pytest.mark.parametrize("part", ["predictions", "metrics", "config"])
def test_half_written_files_are_named(tmp_path: Path, part: str) -> None:
    run = made(tmp_path / "run", seed=1)
    path = getattr(run, part)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises((RunError, DatasetError), match=path.name):
        read_answers(run.path)


def test_answers_that_are_no_probabilities_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "logits.npz", probabilities=np.full((40, 10), 3.0), labels=LABELS)
    with pytest.raises(DatasetError, match=r"logits\.npz: .*softmax"):
        read_answers(tmp_path / "logits.npz")


@pytest.mark.parametrize(
    ("rows", "images"),
    [
        (np.array(["a", "b"]), np.zeros((2, 28, 28), np.uint8)),
        (np.array([1, 2, 3]), np.zeros((2, 28, 28), np.uint8)),
        (np.array([[1, 2]]), np.zeros((1, 2, 28, 28), np.uint8)),
        (np.array([1]), np.zeros((1, 4_000_000), np.uint8)),
        (np.array([1]), np.array([{}], dtype=object)),
    ],
)
def test_kept_pictures_of_another_kind_are_passed_over(tmp_path: Path, rows: np.ndarray, images: np.ndarray) -> None:
    kept = {"probabilities": np.full((40, 10), 0.1), "labels": LABELS, "mistakes": rows, "mistaken_images": images}
    np.savez_compressed(tmp_path / "odd.npz", **kept)  # type: ignore[arg-type]
    assert not read_answers(tmp_path / "odd.npz").pictures


def test_other_lengths_are_refused(tmp_path: Path) -> None:
    short = made(tmp_path / "short", labels=LABELS[:30], about={"data": "digits-8x8"})
    whole = made(tmp_path / "whole")
    message = (
        r"whole and .*short are not .*40 images \(mnist, test\) here, 30 images \(digits-8x8, test\) there.*--data"
    )
    with pytest.raises(RunError, match=message):
        expect_same_images([read_answers(whole.path), read_answers(short.path)])


def test_labels_in_another_order_are_refused(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one"), made(tmp_path / "other", labels=LABELS[::-1].copy())
    with pytest.raises(RunError, match="40 of 40 labels differ, the first in row 0"):
        expect_same_images([read_answers(one.path), read_answers(other.path)])


def test_other_images_with_the_same_labels_are_noticed(tmp_path: Path) -> None:
    plain, fog = made(tmp_path / "plain"), made(tmp_path / "fog", picture=9, about={"data": "mnist-c/fog"})
    with pytest.raises(RunError, match=r"the pictures in row 3 differ \(mnist and mnist-c/fog\)"):
        expect_same_images([read_answers(plain.path), read_answers(fog.path)])


def test_another_set_is_refused_where_no_picture_proves_it_the_same(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one"), made(tmp_path / "other", about={"data": "mnist-c/fog"})
    for run, rows in ((one, [1, 2]), (other, [3, 4])):
        run.write_predictions(Predictions(*vars_of(run)[:2], np.array(rows), np.zeros((2, 28, 28), np.uint8)))
    with pytest.raises(RunError, match="mnist-c/fog, test"):
        expect_same_images([read_answers(one.path), read_answers(other.path)])


def vars_of(run: Run) -> tuple[np.ndarray, np.ndarray]:
    read = run.read_predictions()
    return read.probabilities, read.labels


def test_a_set_and_a_file_of_it_are_the_same_images(tmp_path: Path) -> None:
    named, copied = made(tmp_path / "named"), made(tmp_path / "copied", about={"data": "/home/me/mnist.h5"})
    expect_same_images([read_answers(named.path), read_answers(copied.path)])


def answers(name: str, seed: int | None = None, **settings: object) -> Answers:
    return Answers(name, Path(name), np.full((40, 10), 0.1), LABELS, seed=seed, settings=settings)  # type: ignore[arg-type]


def test_runs_that_differ_in_the_seed_alone_stand_together() -> None:
    runs = [
        answers("2026-11-20-101112-fast", 1, epochs=2, dropout=True),
        answers("theirs.npz"),
        answers("2026-11-20-101113-fast", 2, dropout=True, epochs=2),
        answers("2026-11-20-101114-fast", 1, epochs=1, dropout=True),
        answers("2026-11-20-101115-fast", 2, epochs=1, dropout=True),
        answers("others.npz"),
    ]
    groups = by_recipe(runs)
    assert [len(group) for group in groups] == [2, 1, 2, 1]
    assert group_names(groups) == ["fast (epochs 2)", "theirs.npz", "fast (epochs 1)", "others.npz"]
    assert group_names([[each] for each in runs])[0] == "2026-11-20-101112-fast"
    assert group_names(groups[:2]) == ["fast", "theirs.npz"]


def test_transfers_that_differ_in_the_seed_alone_stand_together(tmp_path: Path) -> None:
    command = "digitlab transfer runs/base --data mine.npz"
    folders = [
        made(tmp_path / "one", seed=0, how="head", command=command),
        made(tmp_path / "two", seed=1, how="head", command=f"{command} --seed 1"),
        made(tmp_path / "other", seed=1, how="head", command=f"{command} --weights 'my weights.h5' --seed 1"),
    ]
    assert [len(group) for group in by_recipe([read_answers(run.path) for run in folders])] == [2, 1]


def test_namesakes_in_other_folders_get_their_paths() -> None:
    one, other = answers("run"), answers("run")
    groups = [[Answers("run", Path("a/run"), one.probabilities, LABELS)], [other]]  # type: ignore[arg-type]
    assert group_names(groups) == ["a/run", "run"]
    assert group_names([[one], [other]]) == ["run [1]", "run [2]"]


def test_names_cannot_move_the_cursor() -> None:
    assert printable("<b>bold</b>\x1b[31m\nred\udc80") == "<b>bold</b>�[31m�red�"
