"""`digitlab data check` tells what is wrong with a dataset; each is made here out of MNIST's test images."""

from __future__ import annotations

import json

import numpy as np
import pytest

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.datasets.formats import open_dataset_file, read_all
from digitlab.errors import DatasetError, UsageError
from digitlab.jobs import check_data
from digitlab.jobs.data_check import note_what_is_wrong
from digitlab.jobs.events import Counted, Note
from digitlab.values import Digits


@pytest.fixture(scope="module")
def some() -> Digits:
    return load_dataset("mnist").split("test")[:400]


def kept(path, images, labels):
    np.savez(path, images=images, labels=labels)
    return str(path)


def sentences(path):
    return [sentence for each in check_data(path).splits.values() for sentence in each.findings]


def test_nothing_is_said_of_what_is_right(tmp_path, some):
    assert sentences(kept(tmp_path / "a.npz", some.images, some.labels)) == []


def test_of_a_table_nobody_knows_how_long_it_is(tmp_path, some):
    rows = np.column_stack([some.labels, some.images.reshape(-1, 784)])
    np.savetxt(tmp_path / "a.csv", rows, "%d", ",")
    events = []
    check_data(str(tmp_path / "a.csv"), listener=events.append)
    assert {each.of for each in events if isinstance(each, Counted)} == {None}


TURNED = np.array([4, 2, 9, 0, 1, 3, 5, 8, 7, 6])  # any order


@pytest.mark.parametrize(
    ("images", "labels", "told"),
    [
        (lambda images: 255 - images, lambda labels: labels, "dark ink on light; models expect light ink on dark"),
        (lambda images: images.transpose(0, 2, 1), lambda labels: labels, "transposed: rows are columns"),
        (lambda images: images, lambda labels: labels + 1, "labels begin at 1: each is the digit plus 1"),
        (lambda images: images, lambda labels: np.where(labels == 0, 10, labels), "the label 10 stands for 0"),
        (lambda images: images, lambda labels: (labels + 3) % 10, "labels are shifted: each is the digit plus 3"),
        (lambda images: images, lambda labels: TURNED[labels], "labels are in another order: 0 is 3, 1 is 4"),
        (lambda images: images, lambda labels: np.roll(labels, 1), "each label is 1 row after its image"),
        (lambda images: images, lambda labels: np.roll(labels, -1), "each label is 1 row before its image"),
    ],
)
def test_what_is_wrong_is_named_and_mended(tmp_path, some, images, labels, told):
    path = kept(tmp_path / "a.npz", np.ascontiguousarray(images(some.images)), labels(some.labels))
    found = sentences(path)
    assert len(found) == 1
    assert found[0].startswith(told)
    check_data(path, fix=tmp_path / "mended.npz")
    mended = read_all(open_dataset_file(tmp_path / "mended.npz"))
    row = 1 if "before" in told else 0
    np.testing.assert_array_equal(mended.images, some.images[row : row + len(mended)])
    np.testing.assert_array_equal(mended.labels, some.labels[row : row + len(mended)])
    assert len(mended) >= 399


def test_images_without_a_label_among_others_are_counted(tmp_path, some):
    labels = np.where(np.arange(400) % 8 == 0, -1, some.labels.astype(int))
    path = kept(tmp_path / "a.npz", some.images, labels)
    assert sentences(path) == [
        "50 of 400 images have no label, or one that is not a digit (10 or −1); --fix leaves them out"
    ]
    assert check_data(path, fix=tmp_path / "mended.npz").written == {"all": 350}
    path = kept(tmp_path / "b.npz", some.images, np.where(some.labels == 3, -1, some.labels.astype(int)))
    (told,) = sentences(path)
    assert told.startswith("the label 10 or −1 stands for 3 ")


def test_inverted_and_transposed_with_labels_from_1(tmp_path, some):
    path = kept(tmp_path / "a.npz", np.ascontiguousarray(255 - some.images.transpose(0, 2, 1)), some.labels + 1)
    told = sentences(path)
    assert [sentence.split(";")[0].split(":")[0] for sentence in told] == [
        "dark ink on light", "transposed", "labels begin at 1",
    ]  # fmt: skip


def test_polarity_of_each_image_in_a_mixture(tmp_path, some):
    images = np.where((np.arange(400) % 2 == 0)[:, np.newaxis, np.newaxis], 255 - some.images, some.images)
    path = kept(tmp_path / "a.npz", images, some.labels)
    assert sentences(path) == ["some images are dark ink on light, others light ink on dark"]
    check_data(path, fix=tmp_path / "mended.npz")
    np.testing.assert_array_equal(read_all(open_dataset_file(tmp_path / "mended.npz")).images, some.images)


def test_duplicates_contradictions_and_leakage(tmp_path, some):
    train = np.concatenate([some.images[:200], some.images[:10]])
    labels = np.concatenate([some.labels[:200], (some.labels[:10] + 1) % 10])
    noise = np.random.default_rng(0).integers(-6, 7, (30, 28, 28))
    near = np.clip(some.images[:30].astype(int) + noise, 0, 255).astype(np.uint8)
    test = np.concatenate([some.images[190:400], near])
    test_labels = np.concatenate([some.labels[190:400], some.labels[:30]])
    np.savez(tmp_path / "a.npz", x_train=train, y_train=labels, x_test=test, y_test=test_labels)
    found = check_data(str(tmp_path / "a.npz"), fix=tmp_path / "mended.npz")
    assert found.splits["train"].findings == (
        "10 images are duplicates of others in train",
        "10 of these have another label than the image that they duplicate",
    )
    assert found.splits["test"].findings == (
        "leakage: 10 of its images are in train as well",
        "leakage: 30 of 230 images examined are nearly the same as one of train",
    )
    assert dict(found.written) == {"train": 190, "test": 240}
    assert len(read_all(open_dataset_file(tmp_path / "mended.npz", "train"))) == 190


def test_a_csv_without_labels_gets_the_readers_answers(tmp_path, some):
    np.savetxt(tmp_path / "a.csv", some.images.reshape(400, 784), "%d", ",")
    assert sentences(str(tmp_path / "a.csv")) == ["there are no labels; --fix gives them the reader's answers"]
    check_data(str(tmp_path / "a.csv"), fix=tmp_path / "mended.npz")
    mended = read_all(open_dataset_file(tmp_path / "mended.npz"))
    assert np.mean(mended.labels == some.labels) > 0.98


def test_the_label_in_another_column_of_a_csv(tmp_path, some):
    names = ["fold", "label", "written", *(f"pixel{number}" for number in range(784))]
    folds, writers = np.arange(400) % 5, np.arange(400) % 7
    table = np.column_stack([folds, writers, some.labels, some.images.reshape(400, 784)])
    np.savetxt(tmp_path / "a.csv", table, "%d", ",", header=",".join(names), comments="")
    (told,) = sentences(str(tmp_path / "a.csv"))
    assert told.startswith("the label is the column 'written' (the reader agrees with ")
    check_data(str(tmp_path / "a.csv"), fix=tmp_path / "mended.npz")
    np.testing.assert_array_equal(read_all(open_dataset_file(tmp_path / "mended.npz")).labels, some.labels)


def test_odd_sizes_are_told(tmp_path, some):
    pickle = pytest.importorskip("pickle")
    larger = np.pad(some.images, ((0, 0), (6, 6), (6, 6)))
    (tmp_path / "a.pkl").write_bytes(pickle.dumps((larger, some.labels)))
    (told,) = sentences(str(tmp_path / "a.pkl"))
    assert told == "400 images are not of 28×28 but of 40×40; prepared as the reader does"


def test_what_holds_no_digit_is_refused(tmp_path, some):
    noise = np.random.default_rng(0).integers(0, 256, (300, 28, 28), dtype=np.uint8)
    with pytest.raises(DatasetError, match=r"the reader agrees with .* expected handwritten digits"):
        check_data(kept(tmp_path / "a.npz", noise, np.arange(300) % 10))
    with pytest.raises(DatasetError, match="contains no images; expected labelled digits"):
        check_data(kept(tmp_path / "a.npz", noise[:0], np.arange(0)))
    with pytest.raises(UsageError, match=r"expected a name that ends in \.npz"):
        check_data("mnist", fix=tmp_path / "a.csv")
    with pytest.raises(UsageError, match="would replace the file that is checked"):
        check_data(str(tmp_path / "a.npz"), fix=tmp_path / "a.npz")


def test_the_quick_look_is_one_note(tmp_path, some):
    from digitlab.datasets import find_dataset

    heard: list[object] = []
    path = kept(tmp_path / "a.npz", some.images, (some.labels + 1) % 10)
    note_what_is_wrong(path, find_dataset(path), "all", heard.append)
    (note,) = [each for each in heard if isinstance(each, Note)]
    assert "labels are shifted: each is the digit plus 1" in note.text
    assert note.text.endswith("--fix OUT.npz` repairs it")
    right = kept(tmp_path / "b.npz", some.images, some.labels)
    heard.clear()
    note_what_is_wrong(right, find_dataset(right), "all", heard.append)
    note_what_is_wrong("mnist", find_dataset("mnist"), "test", heard.append)
    assert not [each for each in heard if isinstance(each, Note)]


def test_on_the_command_line(tmp_path, some, capsys):
    path = kept(tmp_path / "a.npz", 255 - some.images, some.labels)
    assert run(["data", "check", path, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["splits"]["all"]["images"] == 400
    assert told["splits"]["all"]["agreement_mended"] > 0.98
    assert run(["data", "check", path, "--fix", str(tmp_path / "mended.npz")]) == 0
    assert "dark ink on light" in capsys.readouterr().out
    assert run(["data", "check", str(tmp_path / "mended.npz")]) == 0
    capsys.readouterr()
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04cut off")
    assert run(["data", "check", path]) == 2
    assert capsys.readouterr().err.count("\n") == 1
