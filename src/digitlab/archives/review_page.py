"""A page of the least certain digits for a person to review; the corrections come back as labelled digits.

The page loads nothing and sends nothing: pictures, script and style are embedded, and only that script may run (the
page names its digest). The corrections that it saves contain the digits themselves, so that file is all that
`read_corrections` needs. Written without the extra ``train``: no jinja2, every text is escaped here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import json
import string
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from digitlab.archives.doubts import show_doubts
from digitlab.errors import DatasetError, counted
from digitlab.storage import saying_what_failed, write_text
from digitlab.values import Digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from digitlab.archives.doubts import Doubt, Shown

__all__ = ["KIND", "Corrections", "read_corrections", "saved_entries", "what_is_wrong", "write_review"]


def write_review(
    doubts: Sequence[Doubt],
    out: Path,
    *,
    seen: int,
    on_progress: Callable[[int, int], None] | None = None,
    paths: Mapping[str, str] | None = None,
) -> int:
    """Write the page; return how many digits are on it: those of pictures that are gone are left out.

    seen: total number of digits read
    on_progress: called with the number drawn and the total
    paths: name in the results → path, where they differ

    Raises:
        StorageError: when it cannot be written.
    """
    shown = list(show_doubts(doubts, on_progress, paths))
    templates = resources.files("digitlab.archives").joinpath("templates")
    script = templates.joinpath("review.js").read_text("utf-8")
    # "</script>" must not end the block early, whatever a file is called.
    content = json.dumps([_content(item) for item in shown], separators=(",", ":")).replace("<", "\\u003c")
    page = string.Template(templates.joinpath("review.html").read_text("utf-8")).substitute(
        style=templates.joinpath("review.css").read_text("utf-8"),
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        content=content,
        name=hashlib.sha256(content.encode()).hexdigest()[:16],
        about=html.escape(_about(len(shown), seen)),
        made=datetime.now().strftime("%Y-%m-%d %H:%M"),
    )
    write_text(out, page)
    return len(shown)


def _about(shown: int, seen: int) -> str:
    if not shown and seen:
        return "No digit can be shown: the pictures cannot be opened here."
    if not shown:
        return "No digit was found in these pictures, so there is nothing to review."
    return f"The {shown:,} least certain of {counted(seen, 'mark')}, least certain first."


def _content(shown: Shown) -> dict[str, Any]:
    doubt = shown.doubt
    return {
        "path": doubt.path,
        "line": doubt.line,
        "position": doubt.position,
        "read": doubt.digit,
        "confidence": round(doubt.confidence, 4),
        "guess": doubt.guess,
        "second": doubt.second,
        "second_confidence": None if doubt.second_confidence is None else round(doubt.second_confidence, 4),
        "box": list(doubt.box),
        "crop": shown.crop,
        "frame": [round(share, 4) for share in shown.frame],
        "glyph": shown.glyph,
    }


KIND = "digitlab corrections 1"  # what the page writes into the file; the number is that of the format
_LARGEST = 50_000_000  # bytes; a page of 1,000 digits saves 1.5 MB
_PIXELS = 28 * 28


@dataclass(frozen=True, slots=True)
class Corrections:
    """The digits of one or more files of corrections.

    digits: those that are digits, with the labels that the person gave
    changed: how many of them were read as something else, or declined
    no_digit: how many the person marked as not a digit; they have no label to learn
    without_picture: how many had no ink that could be distinguished from its paper
    """

    digits: Digits
    changed: int
    no_digit: int
    without_picture: int


def read_corrections(paths: Iterable[Path]) -> Corrections:
    """Read files that the review page saved; if a digit occurs twice, the last correction counts.

    Raises:
        DatasetError: for a missing, too large or foreign file, naming the entry and what is wrong.
    """
    entries: dict[tuple[str, tuple[int, ...]], dict[str, Any]] = {}
    for path in paths:
        for number, entry in enumerate(saved_entries(path, KIND, "digits")):
            try:
                entries[_key(entry)] = _checked(entry)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise DatasetError(
                    f"{path}: digits[{number}] {what_is_wrong(error)}; save the corrections again"
                ) from error
    digits = [entry for entry in entries.values() if entry["label"] is not None]
    pictured = [entry for entry in digits if entry["image"] is not None]
    return Corrections(
        Digits(
            np.array([entry["image"] for entry in pictured], np.uint8).reshape(-1, 28, 28),
            np.array([entry["label"] for entry in pictured], np.uint8),
        ),
        changed=sum(entry["label"] != entry["read"] for entry in pictured),
        no_digit=len(entries) - len(digits),
        without_picture=len(digits) - len(pictured),
    )


def saved_entries(path: Path, kind: str, entries: str) -> list[Any]:
    """Read what one of our pages saved as JSON: the list ``entries`` of a file of this ``kind``.

    Raises:
        DatasetError: when there is no such file, or it is not one of these.
    """
    with saying_what_failed(path, "read"):
        if not path.is_file():
            what = f"{path}: is a folder" if path.is_dir() else f"there is no file {path}"
            raise DatasetError(f"{what}; expected corrections that the review page saved")
        if path.stat().st_size > _LARGEST:
            raise DatasetError(f"{path}: has {path.stat().st_size:,} bytes; expected at most {_LARGEST:,}")
        content = path.read_bytes()
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DatasetError(
            f"{path}: is not JSON ({str(error)[:100]}); expected a file that the review page saved"
        ) from error
    if not isinstance(parsed, dict) or parsed.get("kind") != kind or not isinstance(parsed.get(entries), list):
        raise DatasetError(
            f'{path}: contains no corrections; expected a file that the review page saved ("kind": "{kind}")'
        )
    for number, entry in enumerate(parsed[entries]):
        if not isinstance(entry, dict):
            raise DatasetError(f"{path}: {entries}[{number}] is not an object; save the corrections again")
    return list(parsed[entries])


def what_is_wrong(error: Exception) -> str:
    """Describe an entry by the error that it caused, e.g. "lacks 'label'"."""
    if isinstance(error, KeyError):
        return f"lacks {error}"
    return str(error) if isinstance(error, ValueError) else f"has a value of the wrong kind ({error})"


def _key(entry: Any) -> tuple[str, tuple[int, ...]]:
    return str(entry["path"]), tuple(int(side) for side in entry["box"])


def _checked(entry: dict[str, Any]) -> dict[str, Any]:
    label, glyph = entry["label"], entry["glyph"]
    if label is not None and (type(label) is not int or not 0 <= label <= 9):
        raise ValueError(f"has the label {str(label)[:20]!r}, expected 0 to 9, or null for no digit")
    return {"label": label, "read": entry["read"], "image": None if glyph is None else _image(glyph)}


def _image(glyph: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
    try:
        pixels = base64.b64decode(glyph, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise ValueError("has a glyph that is not base64") from error
    if len(pixels) != _PIXELS:
        raise ValueError(f"has a glyph of {len(pixels)} bytes, expected {_PIXELS}")
    return np.frombuffer(pixels, np.uint8).reshape(28, 28)
