"""Folders of pages made by code."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from digitlab.bench.made_pages import page


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pages, one of them in a folder below, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("scans")
    (folder / "sub").mkdir()
    for number, name in enumerate(("b.png", "a.jpg", "sub/c.png", "d.png")):
        Image.fromarray(page(0.2, lines=2, columns=4, seed=number)).save(folder / name)
    (folder / "bad.png").write_bytes(b"no picture at all")
    (folder / "notes.txt").write_text("no picture, and not called one")
    return folder
