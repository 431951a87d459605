"""What a person said on the review page → labelled digits."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.errors import DatasetError
from digitlab.storage import saying_what_failed
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["KIND", "Corrections", "read_corrections"]

KIND = "digitlab corrections 1"  # what the page writes into the file; the number is that of the format
_LARGEST = 50_000_000  # bytes; a page of 1,000 digits saves 1.5 MB
_PIXELS = 28 * 28


@dataclass(frozen=True, slots=True)
class Corrections:
    """The digits of one or more files of corrections.

    digits: those that are digits, with what the person said
    changed: how many of them were read as something else, or declined
    no_digit: how many the person called no digit; they have no label to learn
    without_picture: how many had no ink that could be told from its paper
    """

    digits: Digits
    changed: int
    no_digit: int
    without_picture: int


def read_corrections(paths: Iterable[Path]) -> Corrections:
    """Read files that the review page saved; of a digit that occurs twice, the last word counts.

    Raises:
        DatasetError: for a file that is missing, too large or something else, with the entry and what is wrong.
    """
    entries: dict[tuple[str, tuple[int, ...]], dict[str, Any]] = {}
    for path in paths:
        for number, entry in enumerate(_entries(path)):
            try:
                entries[_key(entry)] = _checked(entry)
            except (KeyError, TypeError, ValueError) as error:
                reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
                raise DatasetError(f"{path}: digits[{number}] {reason}; save the corrections again") from error
    digits = [each for each in entries.values() if each["label"] is not None]
    pictured = [each for each in digits if each["image"] is not None]
    return Corrections(
        Digits(
            np.array([each["image"] for each in pictured], np.uint8).reshape(-1, 28, 28),
            np.array([each["label"] for each in pictured], np.uint8),
        ),
        changed=sum(each["label"] != each["read"] for each in pictured),
        no_digit=len(entries) - len(digits),
        without_picture=len(digits) - len(pictured),
    )


def _entries(path: Path) -> list[Any]:
    with saying_what_failed(path, "read"):
        if not path.is_file():
            raise DatasetError(f"there is no file {path}; expected corrections that the review page saved")
        if path.stat().st_size > _LARGEST:
            raise DatasetError(f"{path}: has {path.stat().st_size:,} bytes; corrections have at most {_LARGEST:,}")
        content = path.read_bytes()
    try:
        said = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: is no JSON ({str(error)[:100]}); expected what the review page saved") from error
    if not isinstance(said, dict) or said.get("kind") != KIND or not isinstance(said.get("digits"), list):
        raise DatasetError(f'{path}: holds no corrections; expected what the review page saved, with "kind": "{KIND}"')
    return list(said["digits"])


def _key(entry: Any) -> tuple[str, tuple[int, ...]]:
    return str(entry["path"]), tuple(int(each) for each in entry["box"])


def _checked(entry: dict[str, Any]) -> dict[str, Any]:
    label, glyph = entry["label"], entry["glyph"]
    if label is not None and (type(label) is not int or not 0 <= label <= 9):
        raise ValueError(f"has the label {str(label)[:20]!r}, expected 0 to 9, or null for no digit")
    return {"label": label, "read": entry["read"], "image": None if glyph is None else _image(glyph)}


def _image(glyph: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    try:
        pixels = base64.b64decode(glyph, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise ValueError("has a glyph that is no base64") from error
    if len(pixels) != _PIXELS:
        raise ValueError(f"has a glyph of {len(pixels)} bytes, expected {_PIXELS}")
    return np.frombuffer(pixels, np.uint8).reshape(28, 28)
