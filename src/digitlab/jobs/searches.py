"""A hyperparameter search: many trainings. If killed at any moment, the same call continues it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from digitlab.errors import UsageError
from digitlab.jobs.events import Note, SearchBegan, ignore
from digitlab.runs import Run
from digitlab.scheduling import ENGINES
from digitlab.settings import Setting, checked, seconds_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from digitlab.jobs.events import Listener
    from digitlab.stopping import StopRequest
    from digitlab.training import Trained
    from digitlab.tuning import Space
    from digitlab.tuning.folder import Folder
    from digitlab.tuning.search import Search

__all__ = ["Duration", "Engine", "Tuned", "limited", "tune"]

Engine = Annotated[str, Setting(choices=ENGINES)]
Duration = Annotated[float | None, Setting(flag="--for", of_text=seconds_of)]


@dataclass(frozen=True, slots=True)
class Tuned:
    """Result of a search.

    missing: number of trials still to be done, if it was stopped
    kept: content of `results.json`; None if no trial began
    retrained: the best recipe, trained on all training images, if that was requested
    """

    space: Space
    folder: Folder
    missing: int
    kept: Mapping[str, Any] | None
    retrained: Trained | None


@checked
def tune(
    space: str | Path | None = None,
    *,
    resume: Path | None = None,
    out: Path | None = None,
    engine: Engine = ENGINES[0],
    address: str | None = None,
    workers: int | None = None,
    seconds: Duration = None,
    retrain_best: bool = False,
    runs: Path = Path("runs"),
    listener: Listener = ignore,
    stop: StopRequest | None = None,
    **settings: Any,
) -> Tuned:
    """Search hyperparameters by cross-validation on the training images; the test images are never used.

    Args:
        space: a shipped name (s1-grid, small-and-quick), or a TOML file: the keys of a recipe, a table [tune] with the
            settings below, and a table [space] with choices, e.g. batch_size = [32, 64], or ranges, e.g. learning_rate
            = { low = 1e-4, high = 1e-1, log = true }; options of the architecture in [space.options].
        resume: the folder of a search to continue.
        out: the folder of the search; default: tunings/NAME.
        engine: where the trainings run: local (processes on this machine) or ray (a cluster).
        address: address of a running Ray cluster, HOST:PORT or auto; default: one is started here.
        workers: processes of the local engine; default: one per CPU core, and per 2 GB of memory.
        seconds: stop after this time, e.g. 60m, 2h, 30s or plain seconds.
        retrain_best: at the end, train the best recipe on all training images, into a run folder; this network is
            evaluated on the test images.
        runs: the folder in which that run folder is created.
        listener: called with `SearchBegan`, then events of `digitlab.tuning.progress` and of the last training.
        stop: if called, it ends after the batches under way.
        settings: fields of `digitlab.tuning.Tuning`, overriding the space's; None keeps the space's.

    Raises:
        UsageError: for settings that do not exist, or a folder that holds something else.
        RecipeError: if the space cannot be read.
        StorageError: if the folder cannot be written; what was kept so far stays.
        ClusterError: if a cluster does not respond or is gone.
    """
    from digitlab.stopping import StopRequest
    from digitlab.tuning.folder import Folder
    from digitlab.tuning.search import Search

    stop = stop or StopRequest()
    time_limit = limited(stop, seconds)
    search_space = _space(space, resume, settings)
    folder = Folder(resume or out or Path("tunings") / search_space.name)
    with folder.locked():
        folder.begin(search_space)
        search = Search(search_space, folder.journal)
        missing = _search(
            search_space, search, folder, time_limit, listener, engine=engine, workers=workers, address=address
        )
        retrained = _retrain(search_space, search, runs, listener, stop) if retrain_best and not stop.asked else None
    results = json.loads(folder.results.read_text("utf-8")) if folder.results.is_file() else None
    return Tuned(search_space, folder, missing, results, retrained)


def limited(stop: StopRequest | None, seconds: float | None) -> StopRequest:
    """Return a stop request that is also triggered ``seconds`` from now."""
    from digitlab.stopping import StopRequest

    return StopRequest(None if seconds is None else time.monotonic() + seconds, within=stop)


def _space(source: str | Path | None, resume: Path | None, settings: Mapping[str, Any]) -> Space:
    from digitlab.tuning import find_space, parse_space
    from digitlab.tuning.folder import Folder

    if resume is not None:
        space = Folder(resume).read()
    elif source is not None:
        space = find_space(Path(source))
    else:
        raise UsageError("expected a space, e.g. s1-grid or a TOML file, or resume: the folder of a search")
    overrides = {name: value for name, value in settings.items() if value is not None}
    changed = replace(space, tuning=replace(space.tuning, **overrides))
    return parse_space(changed.as_toml(), space.name, "with these options")


def _search(
    space: Space,
    search: Search,
    folder: Folder,
    stop: StopRequest,
    listener: Listener,
    *,
    engine: str,
    workers: int | None,
    address: str | None,
) -> int:
    from digitlab.studies.running import make_pool
    from digitlab.tuning.results import write_results
    from digitlab.tuning.running import run_search

    listener(SearchBegan(space, sum(trial.state != "running" for trial in search.trials)))
    try:
        return run_search(
            space,
            search,
            lambda: make_pool(engine, workers=workers, address=address),
            listener=listener,
            stop=stop,
        )
    finally:
        if search.trials:
            write_results(space, search, folder)


def _retrain(space: Space, search: Search, runs: Path, listener: Listener, stop: StopRequest) -> Trained | None:
    from digitlab.training import run_training
    from digitlab.tuning.results import best_recipe

    best = best_recipe(space, search)
    if best is None:
        listener(Note("no trial is complete; there is nothing to train"))
        return None
    number, training = best
    listener(Note(f"training trial {number} on all training images …"))
    name = f"{space.name}-{number}"
    return run_training(replace(training, name=name), Run.create(name, runs), listener=listener, stop=stop)
