"""The formats of datasets, for people: docs/formats.md is made from this, and each row is tested."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["DATASET_KINDS", "DatasetKind", "dataset_table"]


class DatasetKind(NamedTuple):
    """One layout that people bring.

    names: what its files are called
    extra: the extra that its reader needs, "" for none
    done: what is done with it
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
    DatasetKind("NumPy", "`.npz`", "", "read and written: `images` and `labels`, or `x_train`, `y_train` …; no pickle"),
    DatasetKind(
        "CSV of Kaggle, OpenML", "`.csv`", "", "read and written; the label is found by the header, or first or last"
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


def dataset_table() -> str:
    """The table of docs/formats.md, as Markdown."""
    rows = [("kind", "names", "extra", "what is done"), ("---",) * 4]
    rows += [(each.name, each.names, each.extra or "–", each.done) for each in DATASET_KINDS]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
