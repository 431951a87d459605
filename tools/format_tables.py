"""Generate the tables of docs/formats.md: pictures, datasets, models; each row is tested.

python tools/format_tables.py    # writes them into the page
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from digitlab.kinds import ENDINGS, TFJS
from digitlab.picture_files.kinds import KINDS, OTHERS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DATASET_KINDS", "MODELS", "REFUSED", "TABLES", "with_tables"]


class DatasetKind(NamedTuple):
    """A dataset layout that users may have.

    names: names of its files
    extra: the optional dependency that its reader needs, "" for none
    done: how it is handled
    """

    name: str
    names: str
    extra: str
    done: str


DATASET_KINDS = (
    DatasetKind("IDX of MNIST, EMNIST", "`NAME-images-idx3-ubyte[.gz]` with its labels", "", "read and written"),
    DatasetKind(
        "IDX of QMNIST", "`NAME-images-idx3-ubyte[.gz]`, `NAME-labels-idx2-int[.gz]`", "", "read; the digit of each row"
    ),
    DatasetKind("HDF5", "`.h5`", "train", "read and written, also in groups for each split"),
    DatasetKind("LMDB of Caffe", "`.lmdb`", "train", "read and written"),
    DatasetKind(
        "NumPy",
        "`.npz`",
        "",
        "read and written: `images` and `labels`, `X` and `y`, `data` and `target`, or `x_train`, `y_train`, "
        "`test_images` …; no pickle",
    ),
    DatasetKind(
        "CSV of Kaggle, OpenML",
        "`.csv`",
        "",
        "read and written, with commas; read with semicolons or tabs, too; the label is found by the header, or first "
        "or last",
    ),
    DatasetKind(
        "CSV with the label in another column",
        "`.csv`",
        "",
        "`digitlab data check FILE --fix OUT.npz` finds the column",
    ),
    DatasetKind(
        "CSV without labels",
        "`.csv`",
        "",
        "`digitlab classify FILE --csv ANSWERS.csv` answers them, `--out LABELLED.npz` makes labels of the answers; "
        "refused where labels are needed",
    ),
    DatasetKind(
        "images without labels in other files",
        "`.npz`, `.npy`, `.mat`, `.h5`, `.parquet`, `.tfrecord`, IDX images alone",
        "",
        "the same",
    ),
    DatasetKind("MATLAB: SVHN", "`train_32x32.mat`", "", "read; the label 10 is 0; colours made grey, 32×32 prepared"),
    DatasetKind("MATLAB: EMNIST", "`emnist-digits.mat`", "", "read, by split; its images are put upright"),
    DatasetKind("MATLAB: USPS", "`usps_all.mat`", "", "read; a class to each index of the last axis, the tenth is 0"),
    DatasetKind("MATLAB: MNIST", "`mnist-original.mat`", "", "read"),
    DatasetKind("MATLAB 7.3", "`.mat`", "", "refused, with what to type in MATLAB"),
    DatasetKind(
        "pickle of Nielsen, deeplearning.net",
        "`mnist.pkl.gz`, `.pkl`",
        "",
        "read without unpickling: arrays in tuples, lists and dictionaries; nothing in it is executed",
    ),
    DatasetKind("pickle of anything else", "`.pkl`", "", "refused, never run, with the lines that convert it"),
    DatasetKind(
        "Parquet of Hugging Face", "`.parquet`, or a folder of them", "ray", "read, by split; `image` and `label`"
    ),
    DatasetKind(
        "TFRecord",
        "`.tfrecord`, or a folder of them",
        "",
        "read without TensorFlow: pictures, bytes or numbers of each Example",
    ),
    DatasetKind("folders by class", "`0/` … `9/`", "", "read and written (PNG)"),
    DatasetKind(
        "folders by class and split", "`train/0/`, `test/zero/`, `digit_3/`", "", "read at any depth, by split"
    ),
    DatasetKind("pictures with the class in their names", "`3_12.jpg`", "", "read"),
    DatasetKind("a zip of pictures", "`.zip`", "", "refused; unpack it"),
)


# Accepted models: kind, file names, and how they are handled.
MODELS = (
    ("Keras 3", "`.keras`", "taken, when nothing in it runs code"),
    ("Keras 1, Keras 2 and TF-Keras", "`.h5`", "taken; its layers are translated"),
    ("Keras: description and weights", "`.json` beside `.h5`", "taken; both are put together"),
    ("ONNX, float32 or uint8", "`.onnx`", "taken: (N, 1, 28, 28), (N, 28, 28, 1), (N, 28, 28), (N, 784), any batch"),
    ("ONNX of 8 bits (QDQ)", "`.onnx`", "taken; for `inspect` and `export` its rounding is left out"),
    ("ONNX of scikit-learn (skl2onnx)", "`.onnx`", "taken"),
    ("LiteRT (TFLite)", "`.tflite`", "taken; it is put into ONNX without being run"),
    ("OpenVINO", "`.xml` beside `.bin`", "taken; it is put into ONNX without being run"),
    ("SavedModel of TensorFlow", "folder", "taken, when all that its answer needs is arithmetic"),
)
# Refused models: file names, and kind.
REFUSED = {
    "`.pt`, `.pth`": ENDINGS[".pt"], "`.pkl`, `.joblib`": ENDINGS[".pkl"], "`.safetensors`": ENDINGS[".safetensors"],
    "`model.json`": TFJS, "`.pb`": ENDINGS[".pb"], "`.index`": ENDINGS[".index"],
    "`.caffemodel`": ENDINGS[".caffemodel"], "`.mlmodel`": ENDINGS[".mlmodel"],
}  # fmt: skip


def _table(*rows: Sequence[str]) -> str:
    """Format rows as a Markdown table; the first one is the header."""
    head, *rest = rows
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ("---",) * len(head), *rest))


def _pictures() -> str:
    kinds = [
        (kind.name, ", ".join(f"`{ending}`" for ending in kind.endings), kind.extra or "–", kind.read) for kind in KINDS
    ]
    refused = [(name.split(" ", 1)[1], "–", "–", "refused by name, with the kinds that are read") for name in OTHERS]
    return _table(("kind", "names end in", "extra", "what is done"), *kinds, *refused)


def _datasets() -> str:
    kinds = [(each.name, each.names, each.extra or "–", each.done) for each in DATASET_KINDS]
    return _table(("kind", "names", "extra", "what is done"), *kinds)


def _models() -> str:
    refused = [
        (kind.what.split(",")[0].split(" ", 1)[1], names, f"refused by name: {kind.as_model}")
        for names, kind in REFUSED.items()
    ]
    return _table(("kind", "names", "what is done"), *MODELS, *refused)


# Name in the page's marker comments → function that makes the table.
TABLES = {"kinds": _pictures, "datasets": _datasets, "models": _models}


def with_tables(page: str) -> str:
    """Return the page with its tables updated to the current kinds."""
    for name, make in TABLES.items():
        before, start, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        page = before + start + make() + end + after
    return page


if __name__ == "__main__":
    place = Path(__file__).parents[1] / "docs" / "formats.md"
    place.write_text(with_tables(place.read_text("utf-8")), "utf-8")
