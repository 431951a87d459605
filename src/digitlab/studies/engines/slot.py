"""What runs in an actor of a Ray cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from digitlab import privacy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitlab.datasets import Dataset

    Sets = Mapping[str, Mapping[str, Any]]

__all__ = ["Sets", "Slot"]

if not TYPE_CHECKING:
    Sets = dict


class Slot:
    """One job at a time, on a node that has this package; ``told`` may be asked meanwhile."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        """``settings``: environment variables that Keras' backend shall find."""
        os.environ.update(settings)
        privacy.keep_folders()
        self._told: dict[str, Any] | None = None
        self._stop: Any = None

    def hello(self) -> dict[str, Any]:
        """What a number depends on beside the settings; the network library is loaded after this."""
        from digitlab.studies.work.stopping import Stopping
        from digitlab.training.experiment import environment

        self._stop = Stopping()
        found = environment(0)
        del found["seed"]
        return found

    def check(self, jobs: Sequence[Mapping[str, Any]]) -> str | None:
        """Why one of these jobs cannot be done, or None."""
        from digitlab.errors import DigitlabError
        from digitlab.studies.job import Job
        from digitlab.studies.work import check_job

        try:
            for job in jobs:
                check_job(Job(**job))
        except DigitlabError as error:
            return str(error)
        return None

    def do(self, job: Mapping[str, Any], sets: Sets) -> dict[str, Any]:
        """See `digitlab.studies.work.run_job.attempt`; ``sets`` hold references into the object store."""
        from digitlab.studies.job import Job
        from digitlab.studies.work.run_job import attempt

        whole = Job(**job)

        def tell(progress: dict[str, Any]) -> None:
            self._told = {"digest": whole.digest, **progress}

        self._stop.begin(whole.digest)
        try:
            return attempt(whole, lambda name: _find(name, sets), tell, self._stop, keep_state=False)
        finally:
            self._stop.end()

    def told(self) -> dict[str, Any] | None:
        """How far the job is."""
        return self._told

    def stop(self) -> None:
        """Stop after the batches under way."""
        if self._stop is not None:
            self._stop()

    def cut(self, digest: str) -> None:
        """Stop this job alone."""
        if self._stop is not None:
            self._stop.cut(digest)


def _find(name: str, sets: Sets) -> Dataset:
    """A set whose images are in the object store, read where they lie; else one of this node's own."""
    from digitlab.datasets import Dataset, find_dataset
    from digitlab.values import Digits

    if name not in sets:
        return find_dataset(name)
    import ray

    stored = sets[name]
    makers = {
        split: lambda reference=reference: Digits(*ray.get(reference)) for split, reference in stored["splits"].items()
    }
    return Dataset(name, "sent by the study", makers, form=stored["form"])
