"""The files of the page without a server."""

from __future__ import annotations

import base64
import gzip
import json
import re
from importlib import resources
from typing import TYPE_CHECKING

from digitlab.static_page.bundle import bundled
from digitlab.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.resources.abc import Traversable

    from digitlab.lessons import Lesson
    from digitlab.static_page.gallery import GallerySet

__all__ = ["CONTENT_POLICY", "MARK", "PLAIN", "packed_size", "page_files", "plain_network"]

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; style-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'none'; form-action 'none'; base-uri 'none'"
)
"""Nothing is fetched and nothing is sent: ``connect-src`` and ``form-action`` are 'none'.

The worker's script comes from the page itself (blob:), and its inner loops are WebAssembly that it generates
('wasm-unsafe-eval', which permits no JavaScript from text).
"""

MARK = "digitlab.js"
"""The file by which an older page is recognised."""

PLAIN = "plain"

_SCRIPTS = re.compile(r'^<link rel="modulepreload"[^\n]*\n', re.M)


def page_files(
    models: Mapping[str, tuple[str, bytes]], pages: bytes, gallery: list[GallerySet], lessons: Sequence[Lesson]
) -> dict[str, bytes]:
    """Return the files of the page by name.

    models: by name, "shipped" or "given", and the ONNX file; the first model answers first
    pages: the page reader's ONNX file
    """
    web = resources.files("digitlab") / "apps" / "web"
    sources = {f"{folder}/{name}": text for folder in ("static", "browser") for name, text in _texts(web / folder)}
    return {
        "index.html": _index(sources.pop("static/index.html")).encode(),
        MARK: bundled(
            {name: text for name, text in sources.items() if name.endswith(".js")},
            "browser/page.js",
            "browser/worker.js",
            "static/learning-answers.js",
        ).encode(),
        "models.js": _data(models, pages, gallery, lessons).encode(),
        "digits.js": _digits().encode(),
        "shade.js": sources["static/shade.js"].encode(),
        "page.css": sources["static/page.css"].encode(),
        "icon.svg": sources["static/icon.svg"].encode(),
    }


def plain_network() -> bytes:
    """Return a small network trained only on digits, for comparison with the reader: an ONNX file.

    `digitlab train --architecture tiny-cnn --epochs 6 --seed 1`: 1,465 parameters, MNIST's 60,000 training images, some
    minutes; 97 % on the test images. Unlike the reader, it saw no out-of-distribution images, and is confident on them.
    """
    return (resources.files("digitlab.static_page") / "plain.onnx").read_bytes()


def packed_size(content: bytes) -> int:
    """Return the number of bytes that a web server sends, i.e. compressed."""
    return len(gzip.compress(content, mtime=0))


def _texts(folder: Traversable) -> list[tuple[str, str]]:
    kinds = (".js", ".css", ".html", ".svg")
    entries = sorted(folder.iterdir(), key=lambda each: each.name)
    return [(each.name, each.read_text("utf-8")) for each in entries if each.name.endswith(kinds)]


def _index(page: str) -> str:
    """Convert index.html to classic scripts, with the content security policy that a server would send."""
    page = _SCRIPTS.sub("", page)
    page = page.replace('href="static/', 'href="').replace('src="static/', 'src="')
    policy = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">'
    page = page.replace('<meta charset="utf-8">', policy)
    scripts = f'<script src="{MARK}" defer></script>\n<script src="models.js" defer></script>'
    return page.replace('<script type="module" src="main.js"></script>', scripts)


def _data(
    models: Mapping[str, tuple[str, bytes]], pages: bytes, gallery: list[GallerySet], lessons: Sequence[Lesson]
) -> str:
    from digitlab.datasets.transforms.filter_bank import BANK
    from digitlab.static_page.gallery import measured_images

    images, labels = measured_images()
    content = {
        "version": VERSION,
        "page": _text(pages),
        "models": [{"name": name, "source": source, "onnx": _text(onnx)} for name, (source, onnx) in models.items()],
        "gallery": {
            "sets": [
                {
                    "name": each.name,
                    "count": len(each.images),
                    "labels": each.labels,
                    "data": _text(each.images.tobytes()),
                }
                for each in gallery
            ]
        },
        "test": {"glyphs": _text(images.tobytes()), "labels": labels.tolist()},
        "lessons": [each.as_dict() for each in lessons],
        "filters": {name: [[round(float(each), 4) for each in row] for row in kernel] for name, kernel in BANK.items()},
    }
    return f'globalThis.digitlabData = {json.dumps(content)};\ndispatchEvent(new Event("digitlab-data"));\n'


def _digits() -> str:
    """Return the training images for networks in the browser: loaded when first needed."""
    from digitlab.static_page.gallery import deflated, trained_images

    images, labels = trained_images()
    content = {"labels": labels.tolist(), "data": _text(deflated(images)), "packed": True}
    return f"globalThis.digitlabDigits = {json.dumps(content)};\n"


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
