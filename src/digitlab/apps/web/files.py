"""The page's files: read once when the server starts, so that no path of a request ever reaches the file system."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

__all__ = ["PageFile", "page_files"]

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
# The pages of a class reveal nothing if there is no class; the routes that they call do not exist then.
_PAGES = {"/": "/static/index.html", "/class": "/static/class/pupil.html", "/wall": "/static/class/wall.html"}
_PACKED = (".html", ".css", ".js", ".mjs", ".json", ".webmanifest", ".svg")


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file; ``packed``: its gzip-compressed content, None for types that gzip does not shrink."""

    content: bytes
    packed: bytes | None
    media_type: str
    tag: str


def page_files() -> dict[str, PageFile]:
    """Return the files by their URL path: the pages by their own, the others by "/static/…"."""
    files = {f"/static/{name}": file for name, file in _files(resources.files("digitlab.apps.web") / "static", "")}
    for path, name in _PAGES.items():
        if name in files:
            files[path] = files[name]
    return files


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, PageFile]]:
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        ending = entry.name[entry.name.rfind(".") :].lower()
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif ending in _TYPES:
            content = entry.read_bytes()
            packed = gzip.compress(content, mtime=0) if ending in _PACKED else None
            tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
            yield prefix + entry.name, PageFile(content, packed, _TYPES[ending], tag)
