"""What is remembered, and what a damaged file makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)

from digitlab.apps.desktop.settings import WindowSettings
from digitlab.errors import StorageError


def test_all_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "window.json"
    first = WindowSettings(path)
    for source in ("0", "/a file, with a comma.mp4", "http://phone:4747/video?a=1;b=%20"):
        first.use_source(source)
    first.use_model("reader", shipped=True)
    first.use_model("/runs/best", shipped=False)
    first.mode, first.theme, first.maps, first.layer, first.folder = "thesis", "dark", True, "conv-2", tmp_path / "out"
    first.save()
    again = WindowSettings(path)
    assert again.recent_sources == ["http://phone:4747/video?a=1;b=%20", "/a file, with a comma.mp4", "0"]
    assert again.source == "http://phone:4747/video?a=1;b=%20"
    assert (again.model, again.recent_models) == ("/runs/best", ["/runs/best"])
    assert (again.mode, again.theme, again.maps, again.layer, again.folder) == (
        "thesis", "dark", True, "conv-2", tmp_path / "out",
    )  # fmt: skip


def test_the_same_source_is_listed_once_and_the_list_ends(tmp_path: Path) -> None:
    settings = WindowSettings(tmp_path / "window.json")
    for number in (*range(20), 19):
        settings.use_source(f"/film-{number}.mp4")
    assert settings.recent_sources == [f"/film-{number}.mp4" for number in range(19, 11, -1)]


def test_a_file_is_found_from_another_folder_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("film.mp4").touch()
    Path("synthetic").mkdir()
    settings = WindowSettings(tmp_path / "window.json")
    for source in ("film.mp4", "gone.mp4", "0", "synthetic"):
        settings.use_source(source)
    assert settings.recent_sources == ["synthetic", "0", "gone.mp4", str(tmp_path / "film.mp4")]


@pytest.mark.parametrize("content", [
    b"", b"\x00\xff\xfe garbage", b"[]", b"[" * 5000,
    b'{"mode": 7, "theme": "purple", "maps": "yes", "geometry": "zz"}',
    b'{"recent_sources": "0", "recent_models": [1, null, "", "/a"], "folder": "a\\u0000b", "layer": []}',
    b'{"source": "' + b"x" * 5000 + b'", "geometry": "01d9d0cb000300000000ffff"}', b'{"source": "' + b"x" * 200_000,
])  # fmt: skip
def test_whatever_stands_in_the_file_what_comes_out_can_be_used(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "window.json"
    path.write_bytes(content)
    settings = WindowSettings(path)
    assert settings.mode == "region"
    assert settings.theme == "system"
    assert settings.maps is False
    assert settings.recent_sources == []
    assert settings.recent_models in ([], ["/a"])
    assert (settings.source, settings.layer, settings.model) == (None, None, None)
    assert settings.geometry.size() in (0, 12)
    assert settings.folder.name == "digitlab"
    settings.mode = "page"
    settings.save()
    assert WindowSettings(path).mode == "page"


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    settings = WindowSettings(file / "window.json")
    settings.mode = "page"
    with pytest.raises(StorageError, match="cannot write"):
        settings.save()
