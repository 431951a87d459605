from __future__ import annotations

from dataclasses import replace

import pytest

from digitlab.errors import UsageError
from digitlab.studies import Published, Study, TrainOnFolds, find_study, improves, study_names
from digitlab.studies.job import Job, Train
from digitlab.studies.outcome import plan
from digitlab.training import TrainingConfig


def test_one_thing_varies_and_its_values_are_the_keys() -> None:
    study = Study(vary={"dropout": [False, True]}, labels={True: "dropped"})
    assert [(cell.key, cell.label) for cell in study.cells] == [(False, "without dropout"), (True, "dropped")]
    assert study.training(study.cells[0], seed=7) == TrainingConfig(dropout=False, seed=7)


def test_several_things_vary_in_all_combinations() -> None:
    study = Study(base=TrainingConfig("conv-family"), vary={"kernel": [3, 5], "learning_rate": [0.1, 0.01]})
    assert [cell.key for cell in study.cells] == [(3, 0.1), (3, 0.01), (5, 0.1), (5, 0.01)]
    assert study.cells[3].label == "kernel 5, learning rate 0.01"
    training = study.training(study.cells[3], seed=0)
    assert (training.learning_rate, training.options) == (0.01, {"kernel": 5})


def test_options_of_the_base_stay_where_a_cell_says_nothing_else() -> None:
    study = Study(
        base=TrainingConfig("conv-family", options={"filters": [8], "kernel": 3}), vary={"kernel": [5]}, test="0-1"
    )
    training = study.training(study.cells[0], seed=0)
    assert (training.options, training.test) == ({"filters": [8], "kernel": 5}, "0-1")


def test_lists_may_vary_as_well() -> None:
    study = Study(base=TrainingConfig("conv-family"), vary={"filters": [[8, 16], (16, 32)]})
    assert [(cell.key, cell.label) for cell in study.cells] == [((8, 16), "8-16"), ((16, 32), "16-32")]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "either vary or variants"),
        ({"vary": {"dropout": []}}, "dropout has no values"),
        ({"vary": {"dropout": [True, True]}}, "occurs twice"),
        ({"vary": {"dropout": [True]}, "columns": ("acuracy",)}, "Did you mean 'accuracy'"),
        ({"vary": {"dropout": [True]}, "published": {False: Published(accuracy=1)}}, "no cell False"),
        ({"vary": {"dropout": [True]}, "conclusions": [improves("loss", frm=True, to="yes")]}, "no cell 'yes'"),
    ],
)
def test_mistakes_in_a_study_are_named(settings: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Study(**settings)


def test_wrong_values_name_the_cell() -> None:
    with pytest.raises(UsageError, match=r"batch size 0: batch_size is 0"):
        plan(Study(vary={"batch_size": [0]}))


def test_values_that_no_other_process_could_read_are_refused() -> None:
    with pytest.raises(UsageError, match="plain values"):
        plan(Study(base=TrainingConfig("conv-family"), vary={"kernel": [object()]}))


# Identity


def test_the_same_training_is_the_same_job_in_every_study() -> None:
    jobs = {name: {each.job.digest for each in plan(find_study(name))} for name in study_names()}
    assert len(jobs["thesis-datasets"] & jobs["thesis-early-stopping"]) == 3  # 0-1 for 12 epochs, three seeds
    shared = jobs["thesis-early-stopping"] & jobs["thesis-dropout"] & jobs["thesis-architectures"]
    assert len(shared) == 3  # 2Conv on 0-1 with patience
    assert len(jobs["thesis-architectures"] & jobs["thesis-patience"]) == 3
    assert len(jobs["optimisers"] & jobs["losses"] & jobs["batch-size"]) == 3
    assert len(jobs["exercise"] & jobs["final-cnn"]) == 3


def test_what_changes_the_numbers_changes_the_identity() -> None:
    job = Job.of(Train(), TrainingConfig())
    others = [
        Job.of(Train(), TrainingConfig(seed=1)),
        Job.of(Train(watch="test"), TrainingConfig()),
        Job.of(TrainOnFolds(), TrainingConfig()),
        Job.of(Train(), TrainingConfig(), quick=True),
        Job.of(Train(), TrainingConfig("conv-family", options={"kernel": 3})),
    ]
    assert len({each.digest for each in (job, *others)}) == 6
    assert Job.of(Train(), TrainingConfig(name="called otherwise")).digest == job.digest


def test_the_identity_of_kept_cells_stays() -> None:
    # If this fails, every cell in studies-results/ is lost: see EDITION in digitlab.studies.job.
    assert (
        Job.of(Train(), TrainingConfig("thesis-4conv", "0-1", epochs=100, patience=3, test="1-6-test")).digest
        == "8dd11a3a5d0cb094"
    )


def test_a_job_comes_back_whole() -> None:
    job = Job.of(Train(), TrainingConfig("conv-family", options={"filters": (4, 8)}, seed=3))
    assert Job(job.kind, dict(job.settings)).digest == job.digest
    assert job.training.options == {"filters": [4, 8]}
    assert job.place == f"conv-family/mnist-3-{job.digest}.json"


# What is planned


def test_all_cells_come_before_the_second_repeat(study: Study) -> None:
    assert [(each.cell.key, each.repeat) for each in plan(study)] == [
        ("average", 0), ("max", 0), ("average", 1), ("max", 1),
    ]  # fmt: skip
    assert [each.job.training.seed for each in plan(study, 3)] == [0, 0, 1, 1, 2, 2]


def test_folds_are_no_more_than_there_are(study: Study) -> None:
    folded = replace(study, task=TrainOnFolds(3))
    assert len(plan(folded, 100)) == 6


def test_a_quick_run_has_few_cells_of_few_epochs() -> None:
    planned = plan(find_study("ann-grid"), quick=True)
    assert len(planned) == 12
    assert all(each.job.training.epochs == 2 and each.job.settings["share"] < 0.1 for each in planned)


# The published ones


@pytest.mark.parametrize("name", study_names())
def test_every_study_says_what_it_is(name: str) -> None:
    study = find_study(name)
    assert study.source.startswith("Own: " if name.startswith("own-") else ("S0", "S1", "S2", "S3", "S4"))
    assert f"digitlab study run {name} " in study.about
    assert study.conclusions
    fewest = 2 if name == "own-small-designs" else 3  # two seeds have an interval, a wide one
    assert study.repeats >= fewest or name in ("ann-grid", "parameter-counts")
    assert plan(study)


def test_the_published_numbers_are_those_of_the_tables() -> None:
    rows = find_study("thesis-architectures").published
    assert [each.numbers["accuracy"] for each in rows.values()] == [0.945, 0.954, 0.945, 0.970, 0.971]
    assert [each.numbers["epochs"] for each in rows.values()] == [47, 30, 28, 27, 24]
    rows = find_study("thesis-datasets").published
    assert [each.numbers["loss"] for each in rows.values()] == [1.233, 0.201, 0.189, 0.109, 0.111]
    assert find_study("notebook").published["notebook CNN"].numbers["accuracy"] == 0.9931


def test_an_unknown_study_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'thesis-dropout'"):
        find_study("thesis-droput")
