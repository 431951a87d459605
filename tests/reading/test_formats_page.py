"""docs/formats.md lists the kinds of pictures as they are, and each of them is read or refused as it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.format_tables import DATASET_KINDS, MODELS, REFUSED, TABLES

from digitlab.errors import ImageError, ModelError
from digitlab.extras import EXTRAS
from digitlab.kinds import kind_of as kind_of_file
from digitlab.network.classifier import resolve_model
from digitlab.picture_files.kinds import ENDINGS, EXPECTED, KINDS, kind_of

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
STARTS = {
    "JPEG": b"\xff\xd8\xff\xe0",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "WEBP": b"RIFF\x10\0\0\0WEBPVP8 ",
    "BMP": b"BM\x36\0",
    "TIFF": b"MM\0*\0\0\0\x08",
    "GIF": b"GIF87a",
    "PPM": b"P5\n",
    "JPEG2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "AVIF": b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif",
    "HEIF": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "PDF": b"\xef\xbb\xbf%PDF-1.4",
}


@pytest.mark.parametrize(("name", "made"), TABLES.items())
def test_each_table_is_the_one_that_its_kinds_make(name: str, made: Callable[[], str]) -> None:
    found = re.search(rf"<!-- {name} -->\n(.*)<!-- /{name} -->", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    assert found[1] == made(), "renew docs/formats.md with: python tools/format_tables.py"


def test_the_page_names_thirty_kinds_at_least() -> None:
    assert len(KINDS) + len(DATASET_KINDS) + len(MODELS) + len(REFUSED) >= 30


@pytest.mark.parametrize("names", REFUSED)
def test_each_model_that_is_refused_is_known(names: str, tmp_path: Path) -> None:
    for ending in re.findall(r"`([^`]*)`", names):
        file = tmp_path / (f"net{ending}" if ending.startswith(".") else ending)
        file.write_bytes(b'{"format": "layers-model", "modelTopology": {}}' if ending.endswith("json") else bytes(50))
        assert kind_of_file(file) == REFUSED[names]
        with pytest.raises(ModelError, match=re.escape(REFUSED[names].what)):
            resolve_model(file)


def test_each_model_that_is_taken_is_one_that_import_takes() -> None:
    from digitlab.models.conventions.importing import KERAS_ENDINGS

    endings = {ending for _, names, _ in MODELS for ending in re.findall(r"`([^`]*)`", names)}
    assert endings == {*KERAS_ENDINGS, ".onnx", ".tflite", ".xml", ".bin"} - {".hdf5"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.format)
def test_each_kind_is_known_by_its_first_bytes(kind: object) -> None:
    format_ = kind.format  # type: ignore[attr-defined]
    assert kind_of(STARTS[format_], "a").format == format_


def test_each_kind_has_endings_and_its_extra_exists() -> None:
    assert len(set(ENDINGS)) == len(ENDINGS)
    assert all(kind.extra is None or kind.extra in EXTRAS for kind in KINDS)
    assert all(kind.name.split(",", maxsplit=1)[0] in EXPECTED for kind in KINDS)


def test_other_videos_and_texts_are_not_taken_for_pictures() -> None:
    for start in (b"\0\0\0\x18ftypmp42", b"P7 is a text", b"BEGIN", b"", b"%PD", b"RIFF\0\0\0\0WAVE"):
        with pytest.raises(ImageError, match=r"a: is .*; expected a JPEG"):
            kind_of(start, "a")


def test_what_pillow_was_built_without_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.features.check", lambda _: False)
    with pytest.raises(ImageError, match="is AVIF, which the Pillow installed here does not support"):
        kind_of(STARTS["AVIF"], "a.avif")
