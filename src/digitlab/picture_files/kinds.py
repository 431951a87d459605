"""The kinds of picture files: how each is recognised by its first bytes, what decodes it, how its pages are handled.

This table is the only place that lists them: folders are searched for its endings, messages name its kinds, and
docs/formats.md is made from it.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass

from PIL import features

from digitlab.errors import ImageError, MissingExtraError
from digitlab.extras import EXTRAS

__all__ = ["ENDINGS", "EXPECTED", "FORMATS", "KINDS", "OTHERS", "START", "PictureKind", "kind_of"]

START = 1024  # bytes of a file that determine its kind; a PDF may begin that late
EXPECTED = "a JPEG, PNG, WebP, BMP, TIFF, GIF, PPM, JPEG 2000, AVIF, HEIC or PDF picture"


@dataclass(frozen=True, slots=True)
class PictureKind:
    """One kind of picture file.

    format: Pillow's name of it, "PDF" for what Pillow does not read
    start: the pattern that its first bytes match
    endings: of file names, for which folders are searched
    read: how it is handled, as a text for users
    plugin: the module that registers its decoder with Pillow
    extra: the extra that installs the decoder
    feature: Pillow's name of the feature that is needed, without which Pillow may have been built
    """

    name: str
    format: str
    start: re.Pattern[bytes]
    endings: tuple[str, ...]
    read: str
    plugin: str = ""
    extra: str | None = None
    feature: str = ""


def _starts(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.DOTALL)


KINDS = (
    PictureKind(
        "JPEG", "JPEG", _starts(rb"\xff\xd8\xff"), (".jpg", ".jpeg"),
        "read, upright by its EXIF; a large one at a fraction of its size", "PIL.JpegImagePlugin",
    ),
    PictureKind(
        "PNG", "PNG", _starts(rb"\x89PNG\r\n\x1a\n"), (".png",),
        "read; transparent pixels laid on paper, 16 bits made 8; of an animation the first frame", "PIL.PngImagePlugin",
    ),
    PictureKind(
        "WebP", "WEBP", _starts(rb"RIFF....WEBP"), (".webp",), "read; of an animation the first frame",
        "PIL.WebPImagePlugin",
    ),
    PictureKind("BMP", "BMP", _starts(rb"BM"), (".bmp",), "read", "PIL.BmpImagePlugin"),
    PictureKind(
        "TIFF", "TIFF", _starts(rb"II[*+]\0|MM\0[*+]"), (".tif", ".tiff"), "every page read, each as `scan.tif#2`",
        "PIL.TiffImagePlugin",
    ),
    PictureKind("GIF", "GIF", _starts(rb"GIF8[79]a"), (".gif",), "the first frame read", "PIL.GifImagePlugin"),
    PictureKind(
        "PPM, PGM, PBM", "PPM", _starts(rb"P[1-6]\s"), (".ppm", ".pgm", ".pbm", ".pnm"), "read, plain and raw",
        "PIL.PpmImagePlugin",
    ),
    PictureKind(
        "JPEG 2000", "JPEG2000", _starts(rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n"), (".jp2", ".j2k", ".jpx"),
        "read, as far as the OpenJPEG in Pillow can", "PIL.Jpeg2KImagePlugin", feature="jpg_2000",
    ),
    PictureKind(
        "AVIF", "AVIF", _starts(rb"....ftyp(avi[fs]|mif1.{4}(.{4}){0,8}?avif)"), (".avif",),
        "read, where Pillow was built with AVIF, as its wheels are", "PIL.AvifImagePlugin", feature="avif",
    ),
    PictureKind(
        "HEIC", "HEIF", _starts(rb"....ftyp(hei[cxms]|hev[cxms]|mi[fa]1|msf1)"), (".heic", ".heif"),
        "the primary picture read", "pillow_heif.HeifImagePlugin", "heif",
    ),
    PictureKind(
        "PDF", "PDF", _starts(rb".{0,1019}?%PDF-"), (".pdf",),
        "every page drawn at 200 dots an inch (4,096 pixels a side at most) and read, each as `scan.pdf#2`; what was "
        "typed into a form's fields is not drawn",
        extra="pdf",
    ),
)  # fmt: skip

ENDINGS = tuple(ending for kind in KINDS for ending in kind.endings)
FORMATS = tuple(kind.format for kind in KINDS if kind.extra is None)  # what Pillow reads by itself

# Kinds that are rejected, by name.
OTHERS = {
    "a Photoshop file": _starts(rb"8BPS"),
    "an SVG drawing": _starts(rb"<svg"),
    "an XML or SVG file": _starts(rb"<\?xm"),
    "a zip archive": _starts(rb"PK\x03\x04"),
    "an icon": _starts(rb"\0\0\x01\0"),
    "a JPEG XL": _starts(rb"\xff\x0a|\0\0\0\x0cJXL "),
    "a video file": _starts(rb"....ftyp"),
    "a PostScript file": _starts(rb"%!PS"),
}
# Kinds that are rejected and may hold labelled images, by name; a zip archive of arrays is an .npz.
_DATASETS = {
    "a file of NumPy arrays": _starts(rb"PK\x03\x04.{26}[^\0]{1,99}?\.npy|\x93NUMPY"),
    "an HDF5 file": _starts(rb"\x89HDF"),
    "a MATLAB file": _starts(rb"MATLAB"),
    "a Parquet file": _starts(rb"PAR1"),
}


def kind_of(start: bytes, name: object) -> PictureKind:
    """Recognise the kind of a picture by its first START bytes, and register its decoder with Pillow.

    Raises:
        ImageError: if it is none of KINDS, or its decoder is not installed; then a MissingExtraError is its cause.
    """
    kind = next((each for each in KINDS if each.start.match(start)), None)
    if kind is None:
        others = _DATASETS | OTHERS
        other = next(
            (each for each, pattern in others.items() if pattern.match(start)), "not a picture that can be read"
        )
        advice = ". `digitlab data convert FILE FOLDER/` writes a dataset's images as pictures"
        raise ImageError(f"{name}: is {other}; expected {EXPECTED}{advice if other in _DATASETS else ''}")
    if kind.feature and not features.check(kind.feature):
        raise ImageError(f"{name}: is {kind.name}, which the Pillow installed here does not support; save it as PNG")
    try:
        if kind.extra is not None and EXTRAS[kind.extra].missing:
            raise MissingExtraError(kind.extra, needed_for=f"a {kind.name} file")
        if kind.plugin:
            _register(kind)
    except (MissingExtraError, ImportError) as error:
        raise ImageError(f"{name}: {error}") from error
    return kind


def _register(kind: PictureKind) -> None:
    """Register only the plugin that is needed: Image.open would import all forty others."""
    if kind.format == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
    else:
        importlib.import_module(kind.plugin)
