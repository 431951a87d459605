"""What the examples of `digitlab.api` find around them: a folder with few images, two trained runs, a page."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.doctest import DoctestItem

if TYPE_CHECKING:
    from pathlib import Path

_OFFERED = ("digitlab.api", "digitlab.training.estimator")  # modules whose examples train
_NAMES = ("EpochEnded", "example_form", "load_dataset", "load_model", "load_run")  # of other modules, in examples
_UNDRAWN = "digitlab.reports.page.svg", lambda name, _: f"<svg><title>{name}</title></svg>"  # ten figures take a second


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For two processes: the tests of a file in one, which makes its fixtures once; files that take long first.

    Files are handed out in this order (`--no-loadscope-reorder`), and thousands of quick tests are left for whichever
    process is done first. Both have loaded TensorFlow by now: a group of all tests that need it would end long after
    the others.
    """
    if not hasattr(config, "workerinput"):
        return
    slow = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("xdist_group")}
    for item in items:
        marks = {mark.args[0] for mark in item.iter_markers("xdist_group")}
        if isinstance(item, DoctestItem) and item.name.startswith(_OFFERED):
            item.add_marker(pytest.mark.xdist_group("examples"))
            slow.add(item.path)
        elif marks <= {"keras"}:
            own = {"keras", str(item.path.relative_to(config.rootpath))}  # xdist joins the names
            for name in own - marks:
                item.add_marker(pytest.mark.xdist_group(name))
    items.sort(key=lambda item: item.path not in slow)


_MANY = 150  # modules
_frozen_with = 0


def pytest_collection_finish(session: pytest.Session) -> None:
    """All tests are there; xdist has named the groups."""
    split = hasattr(session.config, "workerinput") and session.config.getvalue("loadgroup")
    grouped = next((item for item in session.items if item.get_closest_marker("xdist_group")), None)
    if split and grouped is not None and "@" not in grouped.nodeid:
        raise pytest.UsageError("this pytest does not heed xdist's groups: fixtures of a file would be made twice")
    _freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """A test has loaded a large library."""
    if len(sys.modules) - _frozen_with > _MANY:
        _freeze()


def _freeze() -> None:
    """Let the garbage collector pass by all that is there: the tests, and the libraries that are loaded by now.

    Each training collects garbage, to give memory back; among the objects of five thousand tests and of TensorFlow it
    looks for half a second, two or three times a training.
    """
    global _frozen_with  # noqa: PLW0603 - of this process
    gc.collect()
    gc.freeze()
    _frozen_with = len(sys.modules)


@pytest.fixture(autouse=True)
def _around_examples(request: pytest.FixtureRequest, doctest_namespace: dict[str, Any]) -> None:
    """For examples of `digitlab.api` alone: they are run in the folder, with the names that the docs give it."""
    item = request.node
    if isinstance(item, DoctestItem) and item.name.startswith("digitlab.api"):
        folder: Path = request.getfixturevalue("examples_folder")
        patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        patch.chdir(folder)
        patch.setattr(*_UNDRAWN)
        first, second = sorted((folder / "runs").glob("*-slides-cnn-few*"))[:2]
        import digitlab

        doctest_namespace.update({name: getattr(digitlab, name) for name in _NAMES})
        doctest_namespace.update(first=first, second=second, page=folder / "page.png", studies=folder / "studies")


@pytest.fixture(scope="session")
def examples_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`few.npz`, `runs/` with two runs of one architecture and another seed, `page.png`, and a study's results."""
    import numpy as np
    from PIL import Image

    import digitlab
    from digitlab.examples.paper_video import digits_of, paper_page

    folder = tmp_path_factory.mktemp("examples")
    mnist = digitlab.load_dataset("mnist")
    train, test = mnist.split("train")[:200], mnist.split("test")[:100]
    np.savez(folder / "few.npz", x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    Image.fromarray(paper_page(digits_of("402713", seed=1), seed=1).image).save(folder / "page.png")
    here = os.path.dirname(__file__)  # noqa: PTH120 - of the checkout, where the studies' results are kept
    kept = os.path.join(here, "studies-results")  # noqa: PTH118
    for part in ("cells", "parameter-counts"):
        shutil.copytree(os.path.join(kept, part), folder / "studies" / part)  # noqa: PTH118
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(*_UNDRAWN)
        for batch_size in (32, 64):
            digitlab.train(
                architecture="slides-cnn", dataset="few.npz", epochs=1, precision="float32", batch_size=batch_size
            )
    return folder
