"""Read, write and convert files of labelled images: IDX, HDF5, Caffe's LMDB, npz, CSV, folders of pictures.

MATLAB files, pickled arrays, Parquet and TFRecord can be read but not written; docs/formats.md lists all formats.

    with open_dataset_file("scans.h5") as source:
        for digits in source.batches():
            ...

A format's libraries are imported only when a file of that format is opened.
"""

from __future__ import annotations

from digitlab.datasets.formats.conversion import convert, read_all
from digitlab.datasets.formats.hdf5 import Hdf5Sink, hdf5_writer
from digitlab.datasets.formats.opening import dataset_writer, form_of, open_dataset_file, splits_of
from digitlab.datasets.formats.protocol import BATCH, ImageSink, ImageSource, RowSource

__all__ = [
    "BATCH", "Hdf5Sink", "ImageSink", "ImageSource", "RowSource", "convert", "dataset_writer",
    "form_of", "hdf5_writer", "open_dataset_file", "read_all", "splits_of",
]  # fmt: skip
