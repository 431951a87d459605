from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitlab.datasets import load_dataset, mnist, summarise_batches
from digitlab.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from digitlab.datasets import SplitSummary
    from digitlab.values import Digits


def summarise(digits: Digits) -> SplitSummary:
    return summarise_batches([digits])


def test_it_is_the_published_mnist() -> None:
    data = load_dataset("mnist")
    train, test = summarise(data.split("train")), summarise(data.split("test"))
    assert train.counts == (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
    assert test.counts == (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    assert data.split("train").labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]  # as S0 §3.1.1 prints them
    images = data.split("train").images
    assert train.mean == pytest.approx(float(images.mean()), abs=1e-9)
    assert train.deviation == pytest.approx(float(images.std()), abs=1e-6)


def test_a_second_load_maps_what_the_first_unpacked(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = mnist.load()

    def refuse(_: object) -> None:
        raise AssertionError("unpacked twice")

    monkeypatch.setattr(mnist, "_unpack", refuse)
    second, _ = mnist.load()
    np.testing.assert_array_equal(first.images[:100], second.images[:100])
    assert not second.images.flags.writeable
    assert len(list(fresh_cache.iterdir())) == 1


def test_a_trimmed_cache_is_made_again(fresh_cache: Path) -> None:
    mnist.load()
    victim = next(fresh_cache.glob("*/test-images.npy"))
    victim.write_bytes(victim.read_bytes()[:1000])
    _, test = mnist.load()
    assert summarise(test).digest == "c3f9adf9c66efb57"


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DIGITLAB_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="computed each time"):
        train, _ = mnist.load()
    assert len(train) == 60_000


def test_a_full_disk_costs_only_time(fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.warns(UserWarning, match="the disk is full"):
        _, test = mnist.load()
    assert summarise(test).digest == "c3f9adf9c66efb57"
    assert not list(fresh_cache.iterdir())


def _load(folder: str, results: multiprocessing.Queue[str]) -> None:
    os.environ["DIGITLAB_CACHE"] = folder
    results.put(summarise(mnist.load()[1]).digest)


def test_several_processes_may_unpack_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [context.Process(target=_load, args=(str(tmp_path), results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    digests = {results.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join()
    assert digests == {"c3f9adf9c66efb57"}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_process_killed_half_way_leaves_no_half_cache(fresh_cache: Path) -> None:
    victim = subprocess.Popen([sys.executable, "-c", "from digitlab.datasets import mnist; mnist.load()"])
    deadline = time.monotonic() + 30
    while not any(fresh_cache.glob(".mnist*/*")) and victim.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    _, test = mnist.load()
    assert summarise(test).digest == "c3f9adf9c66efb57"


@pytest.mark.parametrize(("asked", "hint"), [("mnits", "Did you mean 'mnist'"), ("", "known:")])
def test_unknown_names_are_answered_with_known_ones(asked: str, hint: str) -> None:
    with pytest.raises(DatasetError, match=hint):
        load_dataset(asked)


def test_unknown_splits_are_answered_with_known_ones() -> None:
    with pytest.raises(DatasetError, match="it has: train, test"):
        load_dataset("mnist").split("validation")
