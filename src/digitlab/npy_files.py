"""NumPy's files (npy, npz): their headers, read without running code, and what damaged ones raise."""

from __future__ import annotations

import struct
import tokenize
import warnings
import zipfile
import zlib
from typing import IO, Any

import numpy as np

__all__ = ["DAMAGE", "read_header"]

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    SyntaxError,
    tokenize.TokenError,
    RuntimeError,  # also RecursionError, NotImplementedError; zipfile raises it for an encrypted member
    MemoryError,
    OverflowError,
)
_MOST_HEADER = 10_000  # characters, which NumPy parses as a Python literal


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of an npy file or member: its shape, whether it is in column order, and its dtype.

    Raises:
        ValueError: for another version of the format. One of `DAMAGE` for a damaged header.
    """
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"npy format {version}; expected (1, 0) or (2, 0)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # headers written by Python 2
        return readers[version](file, max_header_size=_MOST_HEADER)
