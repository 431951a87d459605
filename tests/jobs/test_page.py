"""The page as a folder: what is written, and what is not written over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from digitlab.errors import UsageError
from digitlab.jobs import write_page
from digitlab.reading import resolve_model
from digitlab.static_page.config import PageConfig
from digitlab.static_page.folder import CONTENT_POLICY

if TYPE_CHECKING:
    from pathlib import Path

    from digitlab.jobs import WrittenPage


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> WrittenPage:
    return write_page(tmp_path_factory.mktemp("page") / "new" / "page")


def test_it_is_small_and_whole(written: WrittenPage) -> None:
    assert written.packed <= 2_500_000, written.sizes
    assert sorted(written.sizes) == sorted(each.name for each in written.folder.iterdir())
    assert written.models == ("reader", "plain")


def test_its_page_names_only_what_is_beside_it(written: WrittenPage) -> None:
    page = (written.folder / "index.html").read_text()
    named = set(re.findall(r'(?:src|href)="([^"#]+)"', page))
    assert named - {"v1/openapi.json"} <= set(written.sizes)
    assert f'http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}"' in page
    assert page.index("Content-Security-Policy") < page.index("<link"), "it must stand before what it is about"
    assert 'type="module"' not in page


def test_an_older_page_is_written_over_only_when_that_is_said(written: WrittenPage) -> None:
    with pytest.raises(UsageError, match="--overwrite"):
        write_page(written.folder)
    before = (written.folder / "models.js").read_bytes()
    write_page(written.folder, PageConfig(overwrite=True))
    assert (written.folder / "models.js").read_bytes() == before, "the same page from the same models"


def test_what_is_no_page_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="other files than a page"):
        write_page(tmp_path, PageConfig(overwrite=True))
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(UsageError, match="is a file"):
        write_page(tmp_path / "thesis.txt")


def test_models_of_ones_own_come_first(tmp_path: Path) -> None:
    own = tmp_path / "my net.onnx"
    own.write_bytes(resolve_model(None).read_bytes())
    done = write_page(tmp_path / "page", PageConfig(model=[str(own)]))
    assert done.models == ("my-net", "reader", "plain")
    alike = own.rename(tmp_path / "reader.onnx")  # the shipped reader keeps its name
    assert write_page(tmp_path / "other", PageConfig(model=[str(alike)])).models == ("reader-2", "reader", "plain")
