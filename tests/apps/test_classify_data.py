"""`digitlab classify` of datasets, which need no labels; and a heap of bad files beside a good one."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from digitlab.apps.cli import run
from digitlab.datasets import load_dataset
from digitlab.datasets.formats import open_dataset_file, read_all
from digitlab.datasets.formats.tfrecord import _masked_crc
from digitlab.errors import DatasetError, UsageError
from digitlab.jobs import classify_data
from digitlab.network.check import field_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

SOME = load_dataset("mnist").split("test")[:40]  # the reader has all of them right


def png(image: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def as_csv(path: Path, header: str) -> None:
    np.savetxt(path, SOME.images.reshape(-1, 784), "%d", ",", header=header, comments="")


def kaggle(path: Path) -> None:
    as_csv(path, ",".join(f"pixel{number}" for number in range(784)))


def numbered(path: Path) -> None:
    table = np.column_stack([np.arange(len(SOME)), SOME.images.reshape(-1, 784)])
    np.savetxt(path, table, "%d", ",", header=",".join(["id", *(f"pixel{n}" for n in range(784))]), comments="")


def mat(path: Path) -> None:
    scipy = pytest.importorskip("scipy.io")
    scipy.savemat(path, {"X": SOME.images.transpose(1, 2, 0)})


def hdf5(path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["data"] = SOME.images[..., None].astype(np.float32)


def idx(path: Path) -> None:
    path.write_bytes(struct.pack(">4I", 2051, len(SOME), 28, 28) + SOME.images.tobytes())


def parquet(path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"image": [{"bytes": png(image), "path": None} for image in SOME.images]}), path)


def tfrecord(path: Path) -> None:
    def record(image: Any) -> bytes:
        value = field_bytes(1, field_bytes(1, image.tobytes()))  # Feature { BytesList }
        example = field_bytes(1, field_bytes(1, field_bytes(1, b"image_raw") + field_bytes(2, value)))
        length = struct.pack("<Q", len(example))
        checks = [struct.pack("<I", _masked_crc(part)) for part in (length, example)]
        return length + checks[0] + example + checks[1]

    path.write_bytes(b"".join(map(record, SOME.images)))


UNLABELLED: dict[str, Callable[[Path], Any]] = {
    "kaggle.csv": kaggle,
    "bare.csv": lambda path: np.savetxt(path, SOME.images.reshape(-1, 784), "%d", ","),
    "numbered.csv": numbered,
    "images.npz": lambda path: np.savez(path, images=SOME.images),
    "any.npz": lambda path: np.savez(path, SOME.images),
    "split.npz": lambda path: np.savez(path, x_train=SOME.images[:0], x_test=SOME.images),
    "dark.npz": lambda path: np.savez(path, x=255 - SOME.images),
    "array.npy": lambda path: np.save(path, SOME.images),
    "flat.npy": lambda path: np.save(path, SOME.images.reshape(-1, 784) / 255),
    "columns.mat": mat,
    "data.h5": hdf5,
    "a-images-idx3-ubyte": idx,
    "a.parquet": parquet,
    "a.tfrecord": tfrecord,
}


@pytest.mark.filterwarnings("ignore:.* is dark ink on light; its images are inverted")
@pytest.mark.parametrize("name", UNLABELLED)
def test_images_without_labels_are_answered(tmp_path: Path, name: str) -> None:
    UNLABELLED[name](tmp_path / name)
    answers: list[int] = []
    done = classify_data(str(tmp_path / name), take=lambda found: answers.extend(found.digits.tolist()))
    assert answers == SOME.labels.tolist()
    assert (done.images, done.labelled, sum(done.counts)) == (40, 0, 40)
    with pytest.raises(DatasetError):  # whoever needs labels is told as before
        read_all(open_dataset_file(tmp_path / name, "test" if name == "split.npz" else None))


def test_the_table_has_a_row_for_each_image_and_the_terminal_the_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kaggle(tmp_path / "test.csv")
    table = tmp_path / "answers.csv"
    assert run(["classify", str(tmp_path / "test.csv"), "--csv", str(table)]) == 0
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert [int(row["digit"]) for row in rows] == SOME.labels.tolist()
    assert [int(row["image"]) for row in rows] == list(range(1, 41))
    sure = [float(row["confidence"]) for row in rows]
    assert all(0.0 < each <= 1.0 for each in sure)
    assert np.mean(sure) > 0.9
    said = capsys.readouterr()
    assert said.out == f"{table}\n"
    zeros, ones = np.bincount(SOME.labels)[:2]
    assert f"test.csv: 40 images, 0: {zeros}, 1: {ones}, " in said.err
    assert run(["classify", str(tmp_path / "test.csv"), "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["digit"] for each in told] == SOME.labels.tolist()
    assert told[6]["image"] == 7
    assert len(told[6]["probabilities"]) == 10


def test_answers_become_labels_but_for_those_below_the_threshold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=np.concatenate([SOME.images, noise]))
    out = tmp_path / "labelled.npz"
    assert run(["classify", str(tmp_path / "a.npz"), "--out", str(out), "--threshold", "0.9"]) == 0
    made = read_all(open_dataset_file(out))
    kept = len(made.labels)
    assert 35 <= kept <= 41
    assert f"{45 - kept} below the threshold" in capsys.readouterr().err
    assert run(["classify", str(out), "--csv", str(tmp_path / "again.csv")]) == 0
    assert f"has labels; {kept} of {kept} (100.0 %) agree with the answers" in capsys.readouterr().err


def test_wrong_use_is_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "a.npz", images=SOME.images)
    with pytest.raises(UsageError, match="is the data itself; choose another name"):
        classify_data(str(tmp_path / "a.npz"), out=tmp_path / "a.npz")
    with pytest.raises(UsageError, match="threshold is 2; expected 0 to 1"):
        classify_data(str(tmp_path / "a.npz"), threshold=2)
    np.savez(tmp_path / "empty.npz", images=SOME.images[:0])
    with pytest.raises(DatasetError, match="contains no images"):
        classify_data(str(tmp_path / "empty.npz"), table=tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()
    (tmp_path / "one.png").write_bytes(png(SOME.images[0]))
    assert run(["classify", str(tmp_path / "one.png"), "--out", str(tmp_path / "o.npz")]) == 2
    assert "--out and --split are for a dataset" in capsys.readouterr().err


def pdf_files() -> Any:
    place = Path(__file__).parents[1] / "reading" / "pdf_files.py"
    spec = importlib.util.spec_from_file_location("pdf_files", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bad_pictures(folder: Path) -> list[str]:
    """Hostile and broken files → their names; a page of 1 km × 1 km is drawn smaller, and is empty."""
    pdf = pdf_files().pdf
    encrypted = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >> /ID [<00> <00>]" % (
        b"41" * 32,
        b"42" * 32,
    )
    contents = {
        "encrypted.pdf": pdf([0.0]).replace(b"trailer\n<<", b"trailer\n<< " + encrypted),
        "broken.pdf": pdf([0.0])[:200],
        "long.pdf": pdf([0.25] * 10_001),
        "cut.jpg": b"\xff\xd8\xff\xe0" + bytes(20),
        "empty.png": b"",
        "bomb.gif": b"GIF89a\xff\xff\xff\xff\x00\x00\x00",
        "text.heic": b"no picture",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return list(contents)


@pytest.mark.parametrize("verb", ["classify", "read"])
def test_bad_pictures_are_a_line_each_and_the_others_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    names = bad_pictures(tmp_path)
    large = np.pad(255 - SOME.images[0], 28, constant_values=255)
    (tmp_path / "good.png").write_bytes(png(large))
    (tmp_path / "wide.pdf").write_bytes(pdf_files().pdf([1.0], 2_834_645, 2_834_645))
    given = [str(tmp_path / name) for name in [*names, "wide.pdf", "good.png"]]
    assert run([verb, *given]) == 2
    said = capsys.readouterr()
    assert f"{tmp_path}/good.png: 7" in said.out
    assert f"{tmp_path}/wide.pdf: no digit" in said.out
    for name in names:
        assert sum(line.startswith(f"digitlab: {tmp_path / name}: ") for line in said.err.splitlines()) == 1, name
    assert f"{len(names)} of {len(given)} pictures could not be read" in said.err


def test_bad_datasets_are_a_line_each_and_the_others_are_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (1, 28, 28)}".ljust(117) + b"\n"
    objects = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(8)
    contents = {
        "empty.csv": b"",
        "text.csv": b"a,b\n1,2\n",
        "cut.npz": b"PK\x03\x04cut off",
        "objects.npy": objects,
        "cut.parquet": b"PAR1",
        "other.mat": b"MATLAB 7.3 MAT-file" + bytes(200),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    np.save(tmp_path / "good.npy", SOME.images[:2])
    given = [str(tmp_path / name) for name in [*contents, "missing.npz", "good.npy"]]
    assert run(["classify", *given]) == 2
    said = capsys.readouterr()
    assert said.out.startswith(f"{tmp_path}/good.npy#1: 7 ")
    refused = [line for line in said.err.splitlines() if line.startswith("digitlab: ")]
    assert len(refused) == len(given) - 1, refused


def test_a_name_with_control_characters_is_shown_without_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a\x1b[31m.npz"
    np.savez(path, images=SOME.images[:2], labels=SOME.labels[:2])
    assert run(["classify", str(path)]) == 0
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert (said.out + said.err).count("a\\x1b[31m.npz") >= 3, "each image, the counts and the labels"
