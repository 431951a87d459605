"""A real Ray cluster of two nodes on this machine: Ray's own test cluster."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from digitlab import cluster as cluster_module
from digitlab.apps.cli import run
from digitlab.cluster import expect_answer
from digitlab.errors import ClusterError, UsageError
from digitlab.scheduling.protocol import Began, Done, Lost, Message, Noted
from digitlab.studies import Study
from digitlab.studies.running import make_pool, run_studies
from digitlab.training import TrainingConfig

pytest.importorskip("ray", reason="the extra ray is not installed")

pytestmark = pytest.mark.xdist_group("keras")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head of one processor; nodes are added by the tests. One cluster for all, and each processor's actor loads
    TensorFlow: as few as show it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        yield made
        made.shutdown()


def twelve(kernels: int = 6) -> Study:
    study = Study(
        base=TrainingConfig("conv-family", "digits-8x8", options={"filters": [4]}, optimiser="adam", epochs=1),
        vary={"kernel": list(range(1, 1 + kernels)), "pooling": ["max", "average"]},
        repeats=1,
    )
    return replace(study, name="twelve", about="Twelve cells")


def numbers(folder: Path) -> dict[str, Any]:
    found = {}
    for path in folder.rglob("cells/**/[!.]*.json"):
        result = json.loads(path.read_text())["result"]
        found[path.name] = (result["accuracy"], result["loss"], result["history"]["loss"])
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_twelve_cells_on_two_nodes_of_which_one_dies(
    cluster: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[Message] = []
    nodes = [cluster.add_node(num_cpus=1)]

    def watch(message: Message) -> None:
        """With a third of the cells done, and both nodes at work or just to be given some, one dies."""
        told.append(message)
        kinds = Counter(type(each) for each in told)
        if kinds[Done] >= 4 and kinds[Began] - kinds[Done] == 2 and nodes:
            cluster.remove_node(nodes.pop(), allow_graceful=False)

    ran = run_studies([twelve()], tmp_path / "ray", lambda: make_pool("ray", address=cluster.address), watcher=watch)
    assert ran.outcomes[0].found == 12
    assert not ran.dispatched.failed
    ended = Counter(message.job.digest for message in told if isinstance(message, Done))
    assert len(ended) == 12
    assert set(ended.values()) == {1}
    begun = Counter(message.job.digest for message in told if isinstance(message, Began))
    lost = Counter(message.job.digest for message in told if isinstance(message, Lost))
    assert lost
    assert begun == ended + lost
    assert not capsys.readouterr().out  # Ray's words about the lost node are not results
    run_studies([twelve(1)], tmp_path / "local", lambda: make_pool(workers=1))
    here, there = numbers(tmp_path / "local"), numbers(tmp_path / "ray")
    assert len(here) == 2
    assert here == {name: there[name] for name in here}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_node_without_the_package_is_left_out(cluster: Any, tmp_path: Path) -> None:
    fake = tmp_path / "fake" / "digitlab"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'digitlab'\", name='digitlab')")
    cluster.add_node(num_cpus=1, env_vars={"PYTHONPATH": str(fake.parent)})
    told: list[Message] = []
    run_studies([twelve(1)], tmp_path / "out", lambda: make_pool("ray", address=cluster.address), quick=True,
                watcher=told.append)  # fmt: skip
    assert len(numbers(tmp_path / "out")) == 2
    (note,) = [message.text for message in told if isinstance(message, Noted)]
    assert "is left out: it has no package digitlab" in note


def test_an_address_where_nobody_is_is_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"  # bound, and nobody listens
        began = time.monotonic()
        command = ["study", "run", "ann", "--engine", "ray", "--address", address, "--out", str(tmp_path)]
        assert run(command) == 2
    assert time.monotonic() - began < 5
    assert f"no Ray cluster answers at {address}" in capsys.readouterr().err


def test_somebody_who_is_no_cluster_is_told_within_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cluster_module._CONNECT + cluster_module._ANSWER < 9
    monkeypatch.setattr(cluster_module, "_ANSWER", 1.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(ClusterError, match="is not a Ray cluster"):
            expect_answer(f"127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("address", ["", "localhost", "localhost:ray", "ray://localhost:10001", ":6379"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="expected HOST:PORT"):
        expect_answer(address)


def test_workers_are_of_the_local_engine() -> None:
    with pytest.raises(UsageError, match="leave out --workers"):
        make_pool("ray", workers=2)
