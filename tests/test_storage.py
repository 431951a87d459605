from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from digitlab.errors import StorageError
from digitlab.storage import atomic_folder, atomic_path, cache_folder, remove_unfinished, write_text


def test_a_file_under_its_name_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    write_text(target, "first")

    def fail() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half of the sec")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "first"
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_stays(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "deep" / "numbers.json") as dead, atomic_path(tmp_path / "numbers.npz") as living:
        dead.write_text("half")
        living.write_text("half")
        (tmp_path / ".hidden.json").write_text("a user's")
        for path in (dead, tmp_path / ".hidden.json"):
            os.utime(path, (0, 0))
        remove_unfinished(tmp_path)
        assert not dead.exists()
        assert living.exists()
        dead.write_text("whole")
    assert {path.name for path in tmp_path.rglob("*.*")} == {"numbers.json", "numbers.npz", ".hidden.json"}


def test_files_get_the_usual_permissions(tmp_path: Path) -> None:
    write_text(tmp_path / "ours", "x")
    (tmp_path / "usual").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "folder"

    def fail() -> None:
        with atomic_folder(target) as temporary:
            (temporary / "half").write_text("")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not list(tmp_path.iterdir())


def test_the_first_of_two_folders_stays(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with atomic_folder(target) as slow:
        (slow / "whose").write_text("slow")
        with atomic_folder(target) as quick:
            (quick / "whose").write_text("quick")
    assert (target / "whose").read_text() == "quick"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    def fill() -> None:
        with atomic_path(tmp_path / "file"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StorageError, match="the disk is full"):
        fill()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_device_without_room_says_so() -> None:
    with pytest.raises(StorageError, match="/dev"):
        write_text(Path("/dev/full/file"), "x")


def test_the_cache_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIGITLAB_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("DIGITLAB_CACHE")
    assert cache_folder().name == "digitlab"


def test_a_reader_that_has_gone_is_no_matter_of_the_file(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_path(tmp_path / "table.csv") as temporary:
            temporary.write_text("half")
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        write()
    assert not list(tmp_path.iterdir())
