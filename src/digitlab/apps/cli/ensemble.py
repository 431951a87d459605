"""`digitlab ensemble`."""

from __future__ import annotations

from pathlib import Path

from digitlab.apps.cli.console import advise, say
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.waiting import Waiting, loading

__all__ = ["ensemble"]


def ensemble(*members: Path, out: Path) -> int:
    """Combine trained models into an ensemble: one model whose softmax output is the mean of theirs.

    The file is run and compared with the members' Keras models on 1,000 images before it is kept.

    For example:
    digitlab ensemble runs/2026-…-seed-1 runs/2026-…-seed-2 runs/2026-…-seed-3 --out three.keras
    digitlab ensemble runs/2026-…-fast-cnn runs/2026-…-final-cnn --out two.onnx

    Args:
        members: Two or more run folders or model files of anybody (.keras, .h5, .onnx, .tflite …); all for grey images,
            or all for Sobel images.
        out: The file to write: .keras, .onnx, .xml (OpenVINO) or .tflite (LiteRT).
    """
    from digitlab.errors import UsageError
    from digitlab.jobs.named_models import keras_file

    if len(members) < 2:
        raise UsageError(f"{len(members)} models given; expected two or more, e.g. digitlab ensemble A B --out C.keras")
    if out.suffix.lower() not in (".keras", ".onnx", ".xml", ".tflite"):
        raise UsageError(f"cannot write {out.name!r}; expected a name that ends in .keras, .onnx, .xml or .tflite")
    with loading():
        from digitlab.models import card_of, ensemble_card, export_model, open_model
        from digitlab.models import ensemble as make

    with JobView() as view:
        paths = [keras_file(each, listener=view) for each in members]
    models = [open_model(path, tell=advise) for path in paths]
    card = ensemble_card(out.stem, [card_of(model, path) for model, path in zip(models, paths, strict=True)])
    model = make(models)
    with Waiting() as step:
        step(f"writing {out.suffix} and comparing it with the members")
        done = export_model(model, out, card)
    advise(
        f"{len(members)} members, {model.count_params():,} parameters; run back on {done.images:,} images: "
        f"probabilities differ by at most {done.difference:.1g} (allowed: {done.tolerance:g})"
    )
    say(str(out))
    return 0
