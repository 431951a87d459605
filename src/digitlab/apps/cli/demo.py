"""`digitlab demo`: the whole program in a few minutes, on real digits."""

from __future__ import annotations

from typing import Any

from digitlab.apps.cli.console import complain, say
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.examples.demo import EPOCHS, run_demo

__all__ = ["demo"]

_ENOUGH = 0.985


@options_of(run_demo)
def demo(**options: Any) -> int:
    """Train a network, evaluate it, export it, write its report, make a video of paper and read it live.

    Exit code 1 if the network is less accurate than 98.5 % or the exported one answers differently.

    For example:
    digitlab demo
    """
    with JobView() as view:
        result = run_demo(**options, listener=view)
    say()
    say(
        f"1. Trained thesis-2conv, a network of two convolutions, on MNIST's 60,000 training images: {EPOCHS} epochs, "
        f"all of this took {result.seconds:.0f} s."
    )
    say(f"2. Accuracy on the 10,000 test images: {100 * result.trained.accuracy:.2f} %; see {result.run.report}")
    say(
        f"3. Exported to {result.run.onnx}: {100 * result.exported.accuracy:.2f} % in ONNX Runtime, "
        f"{'the same prediction for every image' if result.same else 'NOT the same predictions'}."
    )
    say(
        f"4. Wrote numbers on paper as a video ({result.video}) and read it live: {result.right} of {result.read} "
        f"readings right; {result.statistics}"
    )
    say(f"5. Next: digitlab read YOUR-PHOTO.jpg, or look at {result.readings}, or open README.md.")
    if result.trained.accuracy < _ENOUGH or not result.same:
        complain(f"the demo expects at least {100 * _ENOUGH:.1f} % and equal predictions of the exported model")
        return 1
    return 0
