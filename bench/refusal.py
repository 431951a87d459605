"""Compare out-of-distribution scores: largest probability, energy, distances in the network's feature space.

    python bench/refusal.py RUN [RUN …] [--photos DIR] --out studies-results/refusal.json

For each run folder (trained with out-of-distribution images, and without) and each kind of out-of-distribution image:
the area under the ROC curve, and the share rejected at a threshold that rejects 1 % of the digits. Digits are MNIST's
test images with handwriting augmentation; the others are drawn with seeds that no training uses, shapes and clothes
that none has seen, and the prepared ink of photos without a digit. Only the network for 28×28 images is measured; the
page reader's own rejection is measured by `digitlab bench read --photos DIR`. k-nearest: cosine distance to the 50th of
10,000 training images (Sun et al. 2022); ViM: Wang et al. 2022.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from digitlab.bench.machine import command_line
from digitlab.datasets import load_dataset
from digitlab.datasets.ood.test_images import draw_shapes
from digitlab.datasets.ood.training_images import DISTRACTORS, draw_distractors
from digitlab.datasets.transforms import vary_handwriting
from digitlab.models import open_model
from digitlab.models.backend import keras
from digitlab.reading import digit_image, load_image
from digitlab.storage import write_text

COUNT = 4000
NEIGHBOURS = 50
REFUSED = 0.01  # share of the digits: the threshold's false rejections


def ood_images(photos: Path | None) -> dict[str, np.ndarray]:
    """Out-of-distribution images by kind: uint8 (N, 28, 28)."""
    test, rng = load_dataset("mnist").split("test"), np.random.default_rng(5)
    images_by_kind = {
        f"drawn: {kind}": vary_handwriting(draw_distractors(600, test, seed=77, kinds=[kind]), rng)
        for kind in DISTRACTORS
    }
    images_by_kind["shapes"] = draw_shapes(2000, seed=9)
    try:
        images_by_kind["fashion-mnist"] = load_dataset("fashion-mnist").split("test").images[:COUNT]
    except Exception as error:  # noqa: BLE001 - it may not be installed
        print(error, file=sys.stderr)
    if photos is not None:
        for name in ("neg_operators", "neg_blank"):
            cut = [digit_image(load_image(path)) for path in sorted((photos / name).glob("*.*g"))]
            glyphs = [glyph for glyph in cut if glyph is not None]
            images_by_kind[f"photos: {name}"] = np.array(glyphs, np.uint8).reshape(-1, 28, 28)
    return {kind: images for kind, images in images_by_kind.items() if len(images)}


def scores(model: keras.Model, train: np.ndarray):
    """Return a function from images to scores by name, higher for digits."""
    layers = [layer for layer in model.layers if layer.weights]
    weights, bias = (np.asarray(each, np.float64) for each in layers[-1].get_weights())
    trunk = keras.Model(model.inputs, layers[-1].input)
    features = np.asarray(trunk.predict(train, batch_size=500, verbose=0), np.float64)
    origin = -np.linalg.pinv(weights.T) @ bias  # ViM's origin: the point where all logits are 0
    centred = features - origin
    vectors = np.linalg.eigh(centred.T @ centred / len(centred)).eigenvectors
    rest = vectors[:, : features.shape[1] // 2]  # the directions in which training images vary least
    logits = features @ weights + bias
    alpha = logits.max(axis=1).sum() / np.linalg.norm(centred @ rest, axis=1).sum()
    training_directions = features / np.linalg.norm(features, axis=1, keepdims=True)

    def of(images: np.ndarray) -> dict[str, np.ndarray]:
        own = np.asarray(trunk.predict(images, batch_size=500, verbose=0), np.float64)
        logit = own @ weights + bias
        shares = np.exp(logit - logit.max(axis=1, keepdims=True))
        energy = np.log(np.exp(logit - logit.max(axis=1, keepdims=True)).sum(axis=1)) + logit.max(axis=1)
        near = own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9) @ training_directions.T
        return {
            "probability": (shares / shares.sum(axis=1, keepdims=True)).max(axis=1),
            "energy": energy,
            "k-nearest": np.partition(near, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS],
            "ViM": energy - alpha * np.linalg.norm((own - origin) @ rest, axis=1),
        }

    return of


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rng = np.random.default_rng(3)
    digits = vary_handwriting(load_dataset("mnist").split("test").images[:COUNT], rng)
    train = vary_handwriting(load_dataset("mnist").split("train").images[:10_000], rng)
    ood, rows = ood_images(options.photos), []
    for run in options.runs:
        of = scores(open_model(run), train)
        own = of(digits)
        for kind, images in ood.items():
            strange = of(images)
            for score, values in own.items():
                labels = np.r_[np.ones(len(digits)), np.zeros(len(images))]
                area = roc_auc_score(labels, np.r_[values, strange[score]])
                refused = float((strange[score] < np.quantile(values, REFUSED)).mean())
                rows.append({"run": run.name, "kind": kind, "score": score, "auroc": area, "refused": refused})
        names = list(own)
        print(f"\n{run.name}\n{'':26}" + "".join(f"{name:>20}" for name in names))
        for kind in ood:
            chosen = {row["score"]: row for row in rows if row["run"] == run.name and row["kind"] == kind}
            print(f"{kind:26}" + "".join(f"{chosen[n]['auroc']:11.4f} {chosen[n]['refused']:8.3f}" for n in names))
    if options.out:
        command = command_line("bench/refusal.py", sys.argv[1:])
        write_text(options.out, json.dumps({"command": command, "rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
