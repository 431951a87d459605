from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from digitlab.errors import StorageError
from digitlab.storage import (
    atomic_folder,
    atomic_path,
    atomic_paths,
    cache_folder,
    locked,
    remove_unfinished,
    saying_what_failed,
    write_text,
)


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


def killed(script: str, folder: Path) -> None:
    """Run a script that ends itself with SIGKILL in ``folder``."""
    begin = "import os, signal\nfrom pathlib import Path\nfrom digitlab.storage import *\n"
    die = "\ndef die(): os.kill(os.getpid(), signal.SIGKILL)\n"
    done = subprocess.run([sys.executable, "-c", begin + die + script], cwd=folder)
    assert done.returncode == -signal.SIGKILL


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system does not say who lives")


def test_what_nobody_can_be_asked_about_is_removed_after_ten_minutes(tmp_path: Path) -> None:
    old, young, users = ".unfinished-a-1.json", ".unfinished-1-2-ffffff-a-1.json", ".hidden.json"
    for name in (old, young, users):
        (tmp_path / name).write_text("half")
    os.utime(tmp_path / old, (0, 0))
    os.utime(tmp_path / users, (0, 0))
    remove_unfinished(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {young, users}
    os.utime(tmp_path / young, (0, 0))
    remove_unfinished(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {users}


@linux
def test_what_a_living_process_writes_stays_however_long_nothing_came(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "numbers.npz") as living:
        living.write_text("half")
        os.utime(living, (0, 0))
        remove_unfinished(tmp_path)
        code = "import sys; from digitlab.storage import *; from pathlib import Path; write_text(Path('a'), 'x')"
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
        assert living.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"numbers.npz", "a"}


@linux
def test_what_a_killed_process_left_is_removed_by_the_next_that_writes_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digitlab.storage._swept", set())
    killed("with atomic_path(Path('a.json')) as half:\n    half.write_text('ha')\n    die()", tmp_path)
    killed("with atomic_folder(Path('b')) as half:\n    (half / 'c').write_text('ha')\n    die()", tmp_path)
    assert len(list(tmp_path.iterdir())) == 1  # the second removed what the first left
    write_text(tmp_path / "a.json", "whole")
    assert {path.name for path in tmp_path.iterdir()} == {"a.json"}


@linux
def test_a_pair_is_never_of_two_writings(tmp_path: Path) -> None:
    first, second = tmp_path / "graph.xml", tmp_path / "weights.bin"
    write = (
        "with atomic_paths(Path('graph.xml'), Path('weights.bin')) as (a, b):\n"
        "    a.write_text('new'); b.write_text('new')\n"
    )
    for path in (first, second):
        path.write_text("old")
    count = "seen = []\nreplace = Path.replace\ndef spy(a, b):\n    replace(a, b); die()\nPath.replace = spy\n"
    killed(count + write, tmp_path)
    assert (first.exists(), second.read_text()) == (False, "new")


def test_a_full_disk_leaves_both_of_a_pair_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = tmp_path / "graph.xml", tmp_path / "weights.bin"
    for path in pair:
        path.write_text("old")
    flushed = []

    def full(handle: int) -> None:
        flushed.append(handle)
        if len(flushed) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)

    def write() -> None:
        with atomic_paths(*pair) as temporaries:
            for temporary in temporaries:
                temporary.write_text("new")

    with pytest.raises(StorageError, match=r"weights\.bin: the disk is full"):
        write()
    assert [path.read_text() for path in pair] == ["old", "old"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_has_one_process_at_a_time(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="this system has no locks")
    folder = tmp_path / "run"
    refused = "with locked(Path('run'), 'run: another'):\n    print('mine')"
    begin = "from pathlib import Path\nfrom digitlab.storage import locked\n"

    def other() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", begin + refused], cwd=tmp_path, capture_output=True, text=True)

    with locked(folder, "mine"):
        assert "UsageError: run: another" in other().stderr
    assert other().stdout == "mine\n"
    assert not list(folder.iterdir())


def test_a_lock_on_a_folder_that_was_removed_is_none(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="this system has no locks")
    folder = tmp_path / "parts"
    with locked(folder, "first"):
        folder.rmdir()  # as whoever has finished does
        with locked(folder, "second"):
            assert folder.is_dir()


def test_files_get_the_usual_permissions(tmp_path: Path) -> None:
    write_text(tmp_path / "ours", "x")
    (tmp_path / "usual").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_folders_get_the_usual_permissions(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "ours"):
        pass
    (tmp_path / "usual").mkdir()
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


def test_a_name_that_cannot_be_written_is_refused_before_the_work_is_done(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    for name in ("folder.mp4", "n" * 300 + ".mp4"):
        with pytest.raises(StorageError, match="cannot write"), atomic_path(tmp_path / name):
            pytest.fail("it was begun")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.mp4"]


def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    def fill() -> None:
        with atomic_path(tmp_path / "file"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StorageError, match="the disk is full"):
        fill()


@pytest.mark.parametrize(
    ("doing", "code", "reason"),
    [
        ("write", errno.EACCES, "permission denied; choose another folder"),
        ("read", errno.EACCES, "permission denied"),
        ("write", errno.ENOENT, "its folder does not exist; make it first"),
        ("list", errno.ENOENT, "there is no such file or folder"),
    ],
)
def test_the_advice_fits_what_failed(doing: str, code: int, reason: str) -> None:
    with pytest.raises(StorageError) as caught, saying_what_failed(Path("x"), doing):
        raise OSError(code, os.strerror(code))
    assert str(caught.value) == f"cannot {doing} x: {reason}"


def test_no_device_or_pipe_is_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to("pipe")
    for path in (pipe, tmp_path / "link", Path("/dev/digitlab-no-such-device")):
        with pytest.raises(StorageError, match="is a device or pipe; choose the name of a file"):
            write_text(path, "x")
    assert pipe.is_fifo()
    assert (tmp_path / "link").is_symlink()
    assert not Path("/dev/digitlab-no-such-device").exists()


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
