from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from digitlab.errors import RunError, StorageError, UsageError
from digitlab.stopping import StopRequest
from digitlab.tuning import Space
from digitlab.tuning.folder import Folder
from digitlab.tuning.progress import Event, Moved, TrialBegan, TrialEnded
from digitlab.tuning.results import best_recipe, cost_of, fold_accuracies, results_of, write_results
from digitlab.tuning.running import run_search
from digitlab.tuning.search import Search

if TYPE_CHECKING:
    from digitlab.training import TrainingConfig

Make = Callable[..., Space]


def searched(space: Space, pool: Any, path: Path, stop: StopRequest | None = None, **more: Any) -> Search:
    search = Search(space, path / "journal.log")
    run_search(space, search, lambda: pool, stop=stop or StopRequest(), **more)
    return search


def states(search: Search) -> list[str]:
    return [trial.state for trial in search.trials]


def test_a_grid_visits_every_point_once_and_finds_the_best(make_space: Make, paper_pool: Any, tmp_path: Path) -> None:
    space, pool = make_space(sampler="grid", folds=3), paper_pool()
    search = searched(space, pool, tmp_path)
    assert states(search) == ["complete"] * 9
    assert len({json.dumps(dict(trial.labels), sort_keys=True) for trial in search.trials}) == 9
    assert len(pool.given) == 27
    best = best_recipe(space, search)
    assert best is not None
    assert (best[1].learning_rate, best[1].options["width"]) == (0.01, 256)
    assert search.front == [best[0]]
    assert search.trials[best[0]].values == (pytest.approx(0.9 + 0.0256 + 0.001),)


def test_no_job_can_reach_the_test_images(make_space: Make, paper_pool: Any, tmp_path: Path) -> None:
    pool = paper_pool()
    space = make_space(sampler="grid", folds=3, seeds=2)
    searched(replace(space, base=replace(space.base, test="1-6-test")), pool, tmp_path)
    assert len(pool.given) == 9 * 6
    for job in (*pool.given, *pool.checked):
        assert job.kind == "train-on-folds"
        assert job.training.test is None
    assert {(job.settings["fold"], job.training.seed) for job in pool.given} == {
        (fold, seed) for fold in range(3) for seed in range(2)
    }


@pytest.mark.parametrize("pruner", ["median", "halving", "hyperband"])
def test_pruning_finds_as_good_a_point_for_less(pruner: str, make_space: Make, paper_pool: Any, tmp_path: Path) -> None:
    space = make_space(
        sampler="grid", pruner=pruner, folds=10, startup=2,
        space={"learning_rate": [0.001, 0.003, 0.01, 0.03, 0.1], "options": {"width": [4, 16, 64, 256]}},
    )  # fmt: skip
    pool = paper_pool()
    search = searched(space, pool, tmp_path)
    whole = 20 * 10 * 4
    assert pool.epochs < whole / 2
    assert "pruned" in states(search)
    best = best_recipe(space, search)
    assert best is not None
    assert best[1].learning_rate == 0.01
    cost = results_of(space, search)["cost"]["epochs"]
    assert pool.epochs - 20 <= cost <= pool.epochs  # what was trained until it heard of its end is not counted
    assert bool(pool.cut_jobs) == (pruner != "median")  # that one judges the whole folds here


def test_halving_looks_at_the_best_first(make_space: Make, paper_pool: Any, tmp_path: Path) -> None:
    """One trial comes to its end: none passed the later rungs because it was early."""
    widths = {"options": {"width": list(range(10, 50))}}
    search = searched(make_space(sampler="grid", pruner="halving", folds=10, space=widths), paper_pool(), tmp_path)
    assert states(search).count("complete") == 1


def test_tpe_looks_where_it_is_good(make_space: Make, paper_pool: Any, tmp_path: Path) -> None:
    space = make_space(
        sampler="tpe", trials=40, folds=2, space={"learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}}
    )
    search = searched(space, paper_pool(), tmp_path)
    best = best_recipe(space, search)
    assert best is not None
    assert best[1].learning_rate == pytest.approx(0.01, rel=0.2)


def test_a_point_that_comes_again_costs_nothing(make_space: Make, paper_pool: Any, tmp_path: Path) -> None:
    pool = paper_pool()
    space = make_space(sampler="random", trials=30, folds=2)
    search = searched(space, pool, tmp_path)
    assert states(search) == ["complete"] * 30
    assert len(pool.given) <= 18
    assert sum(cost_of(trial).epochs for trial in search.trials) == pool.epochs


@pytest.mark.parametrize("sampler", ["grid", "random", "tpe"])
@pytest.mark.parametrize("pruner", ["none", "halving"])
def test_stopped_anywhere_it_ends_as_if_it_had_not(
    sampler: str, pruner: str, make_space: Make, paper_pool: Any, tmp_path: Path
) -> None:
    space = make_space(sampler=sampler, pruner=pruner, folds=3, trials=9)

    def ended(folder: str, every: int | None) -> tuple[list[Any], int]:
        path, trained = tmp_path / folder, 0
        path.mkdir()
        for _ in range(200):
            stop, heard = StopRequest(), 0

            def listener(event: Event) -> None:
                nonlocal heard
                heard += isinstance(event, Moved)
                if every is not None and heard >= every:
                    stop()  # noqa: B023 - called before the next round

            pool = paper_pool()
            search = searched(space, pool, path, stop, listener=listener)
            trained += pool.epochs
            if "running" not in states(search) and len(search.trials) == 9:
                return [(dict(trial.labels), trial.state, trial.values) for trial in search.trials], trained
        raise AssertionError("it never ends")

    at_once, whole = ended("at-once", None)
    in_stretches, more = ended("in-stretches", 25)
    assert in_stretches == at_once
    assert more < 3 * whole


def test_a_line_cut_off_by_a_power_cut_is_dropped(make_space: Make, paper_pool: Any, tmp_path: Path) -> None:
    space = make_space(sampler="grid", folds=2)
    before = searched(space, paper_pool(), tmp_path)
    journal = tmp_path / "journal.log"
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    for kept in (1, 4, 5, 6, 8, len(lines) // 2):  # in the middle of proposals, too
        journal.write_bytes(b"".join(lines[:kept]) + b'{"op_code": 5, "wor')
        after = searched(space, paper_pool(), tmp_path)
        assert [trial.values for trial in after.trials] == [trial.values for trial in before.trials]


def test_another_file_is_no_journal(make_space: Make, tmp_path: Path) -> None:
    (tmp_path / "journal.log").write_text('{"op_code": "what"}\nnonsense\n')
    with pytest.raises(RunError, match="not a journal that can be resumed"):
        Search(make_space(), tmp_path / "journal.log")


def test_several_workers_do_different_things_at_once(make_space: Make, paper_pool: Any, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "four").mkdir()
    space = make_space(sampler="grid", folds=4)
    one, four = (searched(space, paper_pool(count), tmp_path / name) for name, count in (("one", 1), ("four", 4)))
    assert [trial.values for trial in one.trials] == [trial.values for trial in four.trials]
    few = make_space(sampler="grid", pruner="halving", folds=8, space={"options": {"width": [16, 256]}})
    pool = paper_pool(6)
    (tmp_path / "few").mkdir()
    assert "complete" in states(searched(few, pool, tmp_path / "few"))  # jobs in advance are cut with their trial


def test_a_trial_that_fails_does_not_cost_the_others(make_space: Make, paper_pool: Any, tmp_path: Path) -> None:
    def fails(training: TrainingConfig) -> bool:
        return bool(training.options["width"] == 64)

    pool = paper_pool(fails=fails)
    space = make_space(sampler="grid", folds=2)
    search = searched(space, pool, tmp_path)
    assert sorted(states(search)) == ["complete"] * 6 + ["failed"] * 3
    assert {trial.notes.get("reason") for trial in search.trials if trial.state == "failed"} == {"it would not"}
    assert sum(fails(job.training) for job in pool.given) == 6  # each twice


def test_accuracy_latency_and_size_have_a_front(make_space: Make, paper_pool: Any, tmp_path: Path) -> None:
    """Wide is accurate and slow here: all widths are of the front, with the best rate."""
    pool = paper_pool()
    space = make_space(sampler="grid", folds=2, objectives=["accuracy", "size"])
    search = searched(space, pool, tmp_path)
    assert sum(job.kind == "weigh" for job in pool.given) == 3  # one for each width
    front = [search.trials[number] for number in search.front]
    assert {trial.labels["learning_rate"] for trial in front} == {0.01}
    assert sorted(trial.values[1] for trial in front if trial.values) == [16, 64, 256]
    folder = Folder(tmp_path)
    found = write_results(space, search, folder)
    assert folder.front_plot.stat().st_size > 10_000
    assert sorted(path.stem for path in folder.recipe(0).parent.iterdir()) == sorted(map(str, search.front))
    assert found["trials"][found["best"]]["settings"]["options.width"] == 256


def test_the_view_hears_of_every_trial(make_space: Make, paper_pool: Any, tmp_path: Path) -> None:
    events: list[Event] = []
    searched(make_space(sampler="grid", folds=2), paper_pool(), tmp_path, listener=events.append)
    assert [event.number for event in events if isinstance(event, TrialBegan)] == list(range(9))
    assert sorted(event.trial.number for event in events if isinstance(event, TrialEnded)) == list(range(9))
    last = [event for event in events if isinstance(event, TrialEnded)][-1]
    assert len(fold_accuracies(last.trial)) == 2


def test_a_folder_searches_one_thing_only(make_space: Make, tmp_path: Path) -> None:
    folder, space = Folder(tmp_path / "search"), make_space()
    with folder.locked():
        folder.begin(space)
    assert folder.read() == replace(space, name="paper")
    folder.begin(replace(space, tuning=replace(space.tuning, trials=70)))
    Search(space, folder.journal).ask()
    with pytest.raises(UsageError, match=r"contains another search: tune.folds differ"):
        folder.begin(replace(space, tuning=replace(space.tuning, folds=9)))
    other = make_space(space={"batch_size": [1, 2]})
    with pytest.raises(UsageError, match="epochs, space differ"):
        folder.begin(replace(other, base=replace(space.base, epochs=3)))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").touch()
    with pytest.raises(UsageError, match="contains other files"):
        Folder(tmp_path / "other").begin(space)
    with pytest.raises(UsageError, match="not the folder of a search"):
        Folder(tmp_path / "other").read()


def test_a_search_that_was_refused_before_its_first_trial_can_be_corrected(
    make_space: Make, paper_pool: Any, tmp_path: Path
) -> None:
    folder, space = Folder(tmp_path / "search"), make_space()
    folder.begin(replace(space, base=replace(space.base, architecture="no-such")))
    assert not Search(folder.read(), folder.journal).trials
    folder.begin(space)
    assert folder.read() == replace(space, name="paper")
    searched(space, paper_pool(), folder.path)
    with pytest.raises(UsageError, match="contains another search: epochs differ"):
        folder.begin(replace(space, base=replace(space.base, epochs=3)))


def test_two_cannot_search_in_one_folder_at_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with folder.locked(), pytest.raises(UsageError, match="another process is searching here"), folder.locked():
        pass
    with folder.locked():
        pass


def test_a_disk_that_refuses_is_named(make_space: Make, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        Search(make_space(), tmp_path / "no-folder" / "journal.log")
