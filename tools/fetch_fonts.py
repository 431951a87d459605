"""Fetch the fonts for drawn pages: `make fonts`, or `python tools/fetch_fonts.py [FOLDER]`.

Downloads the npm packages that ``src/digitlab/datasets/pages/fonts.toml`` lists at pinned versions, checks each
archive's SHA-512, subsets every font to the characters that ``digitlab.datasets.pages.words`` uses, and saves them as
TrueType files with their licences and one ``fonts.json`` that ``digitlab.datasets.pages.typefaces`` reads. Needs npm
and fonttools. About 100 MB are downloaded, a few are kept.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import TypedDict

from digitlab.datasets.pages.typefaces import CATALOGUE, FONTS_LIST, fonts_folder
from digitlab.datasets.pages.words import ALPHABETS
from digitlab.storage import write_bytes, write_text

FORMAT = 2  # version of the output: increased when the same list gives different files
KINDS = ("handwriting", "print", "script")
WANTED = {ord(character) for characters in ALPHABETS.values() for character in characters}


class Entry(TypedDict):
    """One font as listed in ``fonts.toml``."""

    version: str
    split: str
    licence: str
    subsets: list[str]
    sha512: str


def listed() -> dict[str, tuple[str, Entry]]:
    """Read the list: name → (kind, entry)."""
    content = tomllib.loads(FONTS_LIST.read_text(encoding="utf-8"))
    return {name: (kind, entry) for kind in KINDS for name, entry in content[kind].items()}


def pack(entries: dict[str, tuple[str, Entry]], folder: Path) -> None:
    """Download the archives of all packages into ``folder``."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit(
            "npm is not installed; it is what fetches the fonts: install Node.js with npm, then run `make fonts` again"
        )
    packages = [f"@fontsource/{name}@{entry['version']}" for name, (_, entry) in entries.items()]
    done = subprocess.run([npm, "pack", "--silent", *packages], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(
            f"npm pack failed ({done.returncode}); is the network reachable? It said: {done.stderr.strip()[-500:]}"
        )


def checked(archive: Path, entry: Entry) -> bytes:
    """Return the archive's bytes, if their hash is the one listed."""
    content = archive.read_bytes()
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if digest != entry["sha512"]:
        sys.exit(
            f"{archive.name}: SHA-512 is {digest}; {FONTS_LIST.name} expects {entry['sha512']}. Nothing was installed."
        )
    return content


def cut(woff: bytes, skip: set[int]) -> tuple[bytes, set[int]]:
    """Subset ``woff`` to the wanted characters that are not in ``skip``: a TrueType file, and these characters."""
    from fontTools import subset, ttLib

    font = ttLib.TTFont(io.BytesIO(woff))
    characters = (set(font.getBestCmap()) & WANTED) - skip
    options = subset.Options(
        layout_features=[], hinting=False, notdef_outline=True, drop_tables=["DSIG", "GSUB", "GPOS"]
    )
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    font.flavor = None
    target = io.BytesIO()
    font.save(target)
    return target.getvalue(), characters


def install(name: str, content: bytes, entry: Entry, folder: Path) -> list[dict[str, str]]:
    """Write the font's files and licence; return a row of file and characters for each subset."""
    rows = []
    covered: set[int] = set()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        names = archive.getnames()
        for part in entry["subsets"]:
            member = f"package/files/{name}-{part}-400-normal.woff"
            if member not in names:
                available = sorted(Path(path).name for path in names if path.endswith("-400-normal.woff"))
                sys.exit(f"{name} has no subset {part!r}; there are {', '.join(available)}")
            extracted = archive.extractfile(member)
            assert extracted is not None  # noqa: S101 - a name with .woff is a file
            written, characters = cut(extracted.read(), covered)
            covered |= characters
            write_bytes(folder / f"{name}-{part}.ttf", written)
            rows.append({"file": f"{name}-{part}.ttf", "characters": "".join(map(chr, sorted(characters)))})
        licence = archive.extractfile("package/LICENSE")
        if licence is not None:
            write_bytes(folder / f"{name}-LICENSE.txt", licence.read())
    return rows


def is_installed(folder: Path, entries: dict[str, tuple[str, Entry]]) -> bool:
    """Return whether exactly the listed fonts, with the same hashes, for the same characters, are installed."""
    try:
        catalogue = json.loads((folder / CATALOGUE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return (
        (catalogue.get("format"), catalogue.get("wanted")) == (FORMAT, len(WANTED))
        and {row["name"]: (row["kind"], row["split"], row["sha512"]) for row in catalogue["fonts"]}
        == {name: (kind, entry["split"], entry["sha512"]) for name, (kind, entry) in entries.items()}
        and all((folder / part["file"]).exists() for row in catalogue["fonts"] for part in row["files"])
    )


def main(target: str | None = None) -> None:
    """Fetch, check, subset and install the fonts."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    folder = Path(target) if target else fonts_folder()
    entries = listed()
    if is_installed(folder, entries):
        sys.stdout.write(f"{len(entries)} fonts are in {folder} already\n")
        return
    sys.stdout.write(f"fetching {len(entries)} fonts …\n")
    sys.stdout.flush()
    rows = []
    with tempfile.TemporaryDirectory(prefix="fonts-") as temporary:
        pack(entries, Path(temporary))
        archives = {
            name: Path(temporary) / f"fontsource-{name}-{entry['version']}.tgz" for name, (_, entry) in entries.items()
        }
        contents = {name: checked(archives[name], entry) for name, (_, entry) in entries.items()}
        for name, (kind, entry) in entries.items():
            files = install(name, contents[name], entry, folder)
            rows.append(
                {"name": name, "kind": kind, "split": entry["split"], "sha512": entry["sha512"], "files": files}
            )
    write_text(
        folder / CATALOGUE,
        json.dumps({"format": FORMAT, "wanted": len(WANTED), "fonts": rows}, ensure_ascii=False, indent=1) + "\n",
    )
    sys.stdout.write(f"{len(rows)} fonts in {folder}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
