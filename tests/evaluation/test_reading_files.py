"""Someone else's numbers: every honest way to write them is read, every other is named and harmless."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.errors import DatasetError, DigitlabError, RunError
from digitlab.evaluation import read_labels, read_probabilities
from digitlab.evaluation.checks import softmax
from digitlab.runs import Predictions, Run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RNG = np.random.default_rng(0)
PROBABILITIES = RNG.dirichlet(np.ones(10), 7)
LABELS = np.array([0, 9, 3, 3, 1, 7, 2])


def write_csv(path: Path, values: np.ndarray, header: str = "", separator: str = ",") -> Path:
    np.savetxt(path, values, "%.17g", separator, header=header, comments="")
    return path


@pytest.mark.parametrize("dtype", ["<f4", "<f8", ">f8", "f2", "g"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_and_npz_are_read_as_they_are(dtype: str, order: str, tmp_path: Path) -> None:
    values = np.array(PROBABILITIES, dtype, order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "p.npy", values)
    np.savez(tmp_path / "one.npz", values)
    np.savez_compressed(tmp_path / "named.npz", other=np.arange(3), probabilities=values)
    for name in ("p.npy", "one.npz", "named.npz"):
        read = read_probabilities(tmp_path / name)
        np.testing.assert_array_equal(read, values)
        assert read.dtype == (np.float32 if dtype == "<f4" else np.float64)


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i8", ">i4", "f8"])
def test_labels_of_any_number_type(dtype: str, tmp_path: Path) -> None:
    np.save(tmp_path / "l.npy", LABELS.astype(dtype))
    np.savez(tmp_path / "l.npz", y=LABELS.astype(dtype)[:, np.newaxis])
    for name in ("l.npy", "l.npz"):
        read = read_labels(tmp_path / name)
        np.testing.assert_array_equal(read, LABELS)
        assert read.dtype == np.int64


@pytest.mark.parametrize("header", ["", "a,b,c,d,e,f,g,h,i,j", "0,1,2,3,4,5,6,7,8,9", '"p 0",b,c,d,e,f,g,h,i,j', "# x"])
def test_csv_with_or_without_names(header: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(
        read_probabilities(write_csv(tmp_path / "p.csv", PROBABILITIES, header)), PROBABILITIES
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", " ", ", "])
def test_csv_with_other_separators(separator: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "p.csv", PROBABILITIES, separator=separator)
    np.testing.assert_array_equal(read_probabilities(path), PROBABILITIES)


def test_csv_as_other_programs_write_it(tmp_path: Path) -> None:
    """A mark of UTF-8, quotes, Windows' line ends, empty lines, no line end at the end."""
    path = tmp_path / "p.csv"
    lines = ['"' + '","'.join(map(repr, row)) + '"' for row in PROBABILITIES.tolist()]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines[:3], "", *lines[3:]]).encode())
    np.testing.assert_array_equal(read_probabilities(path), PROBABILITIES)


@pytest.mark.parametrize("header", ["", "label", "the label"])
@pytest.mark.parametrize("form", ["%d", "%.1f", "%.18e", '"%d"'])
def test_labels_from_one_column(header: str, form: str, tmp_path: Path) -> None:
    np.savetxt(tmp_path / "l.csv", LABELS, form, header=header, comments="")
    np.testing.assert_array_equal(read_labels(tmp_path / "l.csv"), LABELS)


def test_a_runs_predictions_hold_both(tmp_path: Path) -> None:
    run = Run(tmp_path)
    none = np.zeros(0, np.int64)
    said = Predictions(PROBABILITIES.astype(np.float32), LABELS.astype(np.uint8), none, np.zeros((0, 28, 28), np.uint8))
    run.write_predictions(said)
    run.write_json(run.metrics, {})
    for path in (run.path, run.predictions):
        np.testing.assert_array_equal(read_probabilities(path), said.probabilities)
        np.testing.assert_array_equal(read_labels(path, named=True), LABELS)


def test_logits_become_probabilities(tmp_path: Path) -> None:
    np.savez(tmp_path / "both.npz", logits=np.log(PROBABILITIES) - 3, probabilities=PROBABILITIES * 0)
    np.testing.assert_allclose(read_probabilities(tmp_path / "both.npz", logits=True), PROBABILITIES)
    write_csv(tmp_path / "logits.csv", np.log(PROBABILITIES))
    read = read_probabilities(tmp_path / "logits.csv", logits=True)
    np.testing.assert_allclose(read, softmax(np.log(PROBABILITIES)))


class Bomb:
    """Pickled, it would make a folder when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def npy(shape: str, content: bytes, dtype: str = "<f8") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(118 - 1) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


@pytest.mark.parametrize("name", ["p.npy", "p.npz"])
def test_a_pickle_is_never_loaded(name: str, tmp_path: Path) -> None:
    values = np.array([Bomb(tmp_path / "made")] * 10, object).reshape(1, 10)
    if name == "p.npy":
        np.save(tmp_path / name, values, allow_pickle=True)
    else:
        np.savez(tmp_path / name, values)
    for read in (read_probabilities, read_labels):
        with pytest.raises(DatasetError, match="never loaded"):
            read(tmp_path / name)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy("(100000000000, 10)", b""), "expected at most 1,000,000"),
        (npy("(900000, 10)", b"\0" * 80), "expected 72,000,128"),
        (npy("(1, 10)", b"\0" * 79), "truncated"),
        (npy("(1, 10)", b"\0" * 81), "expected 208"),
        (npy("(-1, 10)", b""), r"expected"),
        (npy("(1, 9)", b"\0" * 72), r"expected \(N, 10\)"),
        (npy("(10,)", b"\0" * 80), r"expected \(N, 10\)"),
        (npy("(1, 10)", b"\0" * 160, "<c16"), "expected numbers"),
        (npy("(1, 10)", b"\0" * 40, "<U1"), "expected numbers"),
        (npy("(1, 10)", b"\0" * 80, "M8[s]"), "expected numbers"),
        (npy("__import__('os').mkdir('made')", b""), "cannot be read as npy"),
        (b"\x93NUMPY\x03\x00" + b"\xff" * 20, "cannot be read as npy"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f", "cannot be read as npy"),
        (b"PK\x03\x04", "cannot be read as npy"),
        (b"", "cannot be read as npy"),
    ],
)
def test_a_bad_npy_is_named(content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.npy").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        read_probabilities(tmp_path / "p.npy")
    assert not (tmp_path / "made").exists()
    with zipfile.ZipFile(tmp_path / "p.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("probabilities.npy", content)
    with pytest.raises(DatasetError, match=message.replace("as npy", "as npz")):
        read_probabilities(tmp_path / "p.npz")


def test_a_zip_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("probabilities.npy", "w") as member:
        member.write(npy("(4000000, 10)", b""))
        for _ in range(320):
            member.write(bytes(1_000_000))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(DatasetError, match="4,000,000 rows; expected at most 1,000,000"):
        read_probabilities(path)


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    whole = io.BytesIO()
    np.savez_compressed(whole, probabilities=PROBABILITIES)
    path = tmp_path / "p.npz"
    content = whole.getvalue()
    path.write_bytes(content[:200])
    with pytest.raises(DatasetError, match="cannot be read as npz"):
        read_probabilities(path)
    path.write_bytes(content[:200] + bytes([content[200] ^ 255]) + content[201:])
    with pytest.raises(DatasetError, match=r"p\.npz"):
        read_probabilities(path)


def test_an_archive_of_several_arrays_must_name_them(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", a=PROBABILITIES, b=PROBABILITIES)
    with pytest.raises(DatasetError, match="expected the array probabilities, found: a, b"):
        read_probabilities(tmp_path / "p.npz")
    np.savez(tmp_path / "one.npz", LABELS)
    assert len(read_labels(tmp_path / "one.npz")) == 7
    with pytest.raises(DatasetError, match="expected the array labels, found: arr_0"):
        read_labels(tmp_path / "one.npz", named=True)
    zipfile.ZipFile(tmp_path / "empty.npz", "w").close()
    with pytest.raises(DatasetError, match="found: nothing"):
        read_probabilities(tmp_path / "empty.npz")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3\n", "line 1 has 3 columns; expected 10"),
        (",a,b,c,d,e,f,g,h,i,j\n", "line 1 has 11 columns; expected 10; pandas leaves"),
        (",".join(["0.1"] * 10) + "\n0.1,0.2\n", "line 2 has 2 columns"),
        (",".join("abcdefghij") + "\n\n0,0,0,x,0,0,0,0,0,0\n", "line 3, column 4 is 'x'"),
        (",".join(["0.1"] * 9) + ",\n", "line 1, column 10 is ''"),
        (";".join(["0,1"] * 10) + "\n" + ";".join(["0,1"] * 10), "line 2, column 1 is '0,1'"),
        ("0.1," * 3000, "line 1 has 4,096 bytes or more"),
    ],
)
def test_a_bad_csv_is_named_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_probabilities(tmp_path / "p.csv")


def test_a_csv_that_does_not_end_is_left_at_its_millionth_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digitlab.evaluation.reading_files._MOST_ROWS", 5)
    with pytest.raises(DatasetError, match="more than 5 rows"):
        read_probabilities(write_csv(tmp_path / "p.csv", PROBABILITIES, "a,b,c,d,e,f,g,h,i,j"))
    assert len(read_probabilities(write_csv(tmp_path / "p.csv", PROBABILITIES[:5], "a,b,c,d,e,f,g,h,i,j"))) == 5


@pytest.mark.parametrize("name", ["p.csv", "p.npy"])
def test_no_rows_are_no_rows(name: str, tmp_path: Path) -> None:
    if name == "p.npy":
        np.save(tmp_path / name, np.zeros((0, 10)))
    else:
        (tmp_path / name).write_text("a,b,c,d,e,f,g,h,i,j\n")
    assert read_probabilities(tmp_path / name).shape == (0, 10)
    assert read_probabilities(tmp_path / name, logits=True).shape == (0, 10)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 12], r"labels\[1\] is 12; expected 0 to 9"),
        ([0, -1], r"labels\[1\] is -1"),
        ([0.5, 1], r"labels\[0\] is 0.5"),
        ([np.nan, 1], r"labels\[0\] is nan"),
        (np.eye(10), "one-hot labels, take argmax"),
        (np.eye(3), r"expected \(N,\)"),
        (3, r"expected \(N,\)"),
    ],
)
def test_bad_labels_are_named(labels: object, message: str, tmp_path: Path) -> None:
    np.save(tmp_path / "l.npy", np.array(labels))
    with pytest.raises(DatasetError, match=message):
        read_labels(tmp_path / "l.npy")


def test_what_is_no_file_of_numbers(tmp_path: Path) -> None:
    (tmp_path / "p.xlsx").write_bytes(b"PK")
    os.mkfifo(tmp_path / "pipe.csv")
    for name, error, message in (
        ("p.xlsx", DatasetError, r"expected a file \.npz, \.npy or \.csv"),
        ("missing.npz", DatasetError, "no such file"),
        ("pipe.csv", DatasetError, "no such file"),
        (".", RunError, "not a run folder"),
    ):
        with pytest.raises(error, match=message):
            read_probabilities(tmp_path / name)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_changed_file_is_read_or_refused_and_nothing_else(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ending, write = data.draw(st.sampled_from([("npy", np.save), ("npz", np.savez), ("npz", np.savez_compressed)]))
    content = written(write)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("changed") / f"p.{ending}"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    for read in (read_probabilities, read_labels):
        with contextlib.suppress(DigitlabError):
            assert len(read(path)) <= 1_000_000


def written(write: Callable[[io.BytesIO, np.ndarray], None]) -> bytearray:
    out = io.BytesIO()
    write(out, PROBABILITIES)
    return bytearray(out.getvalue())
