"""A job with everything that can go wrong, as one answer that can be sent."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from digitlab.errors import DigitlabError
from digitlab.stopping import Interrupted
from digitlab.studies.work import do
from digitlab.training.events import EpochEnded, Progressed, Started

if TYPE_CHECKING:
    from collections.abc import Callable

    from digitlab.studies.job import Job
    from digitlab.studies.work import Find
    from digitlab.training import Event, StopRequest

__all__ = ["attempt"]

_BETWEEN = 0.5  # seconds between two words of progress


def attempt(
    job: Job, find: Find, tell: Callable[[dict[str, Any]], None], stop: StopRequest, *, keep_state: bool
) -> dict[str, Any]:
    """{"result": …}, {"failure": a line} or {"stopped": True}; ``tell`` hears of the progress now and then."""
    try:
        result = do(job, find=find, listener=_Teller(tell), stop=stop, keep_state=keep_state)
        json.dumps(result, allow_nan=False)  # what cannot be kept must not be sent
    except Interrupted:
        return {"stopped": True}
    except DigitlabError as error:
        return {"failure": str(error)}
    except MemoryError:
        return {"failure": "there was not enough memory"}
    except Exception as error:  # noqa: BLE001 - one cell must not end the others, whatever it meets
        return {"failure": f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"}
    return {"result": result}


class _Teller:
    """A listener of a training that passes on how far it is."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell, self._told = tell, 0.0
        self._epochs = self._batches = 1
        self._accuracies: list[tuple[int, float]] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self._epochs, self._batches = event.epochs, event.batches
        if isinstance(event, Progressed) and time.monotonic() - self._told >= _BETWEEN:
            self._told = time.monotonic()
            self._say(event.epoch - 1 + event.batch / self._batches, event.loss)
        if isinstance(event, EpochEnded) and event.validation_accuracy is not None:
            self._accuracies.append((event.epoch, float(f"{event.validation_accuracy:.5g}")))
            self._say(event.epoch, event.loss)

    def _say(self, done: float, loss: float) -> None:
        self._tell({"done": round(done, 3), "epochs": self._epochs, "loss": loss, "accuracies": [*self._accuracies]})
