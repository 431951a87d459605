"""The picture of a diagnosis in docs/diagnosis.md:  python docs/pictures/diagnosis.py [FOLDER]   (a minute).

A small network as beginners train it, a five on paper that it misreads, and the page that `digitlab diagnose` writes.
With a folder, model, photo and page are kept there.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import keras
from PIL import Image
from playwright.sync_api import sync_playwright

from digitlab import diagnose, load_dataset
from digitlab.examples.paper_video import Layout, digits_of, paper_page

SHOWN = 1240  # pixels of the page's height


def train(path: Path) -> None:
    """Keras' quickstart: light on dark, pixels through 255."""
    train = load_dataset("mnist").split("train")[:20_000]
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train.images[..., None] / 255.0, train.labels, batch_size=128, epochs=2, verbose=0)
    model.save(path)


def main() -> None:
    """Train, draw, diagnose, take the picture."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        model, photo, page = folder / "my-network.keras", folder / "five.jpg", folder / "five-diagnosis.html"
        train(model)
        paper = paper_page(digits_of("5", seed=3), Layout((640, 480), digit_height=150, pen="blue"), seed=3)
        Image.fromarray(paper.image).save(photo, quality=90)
        sys.stdout.write(diagnose(model, photo, out=page).sentence + "\n")
        shot = folder / "shot.png"
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False)
            opened = browser.new_page(viewport={"width": 980, "height": SHOWN})
            opened.goto(page.resolve().as_uri())
            opened.screenshot(path=str(shot))
            keep(shot, Path(__file__).with_suffix(".png"))
            opened.locator("svg").screenshot(path=str(shot))
            keep(shot, Path(__file__).with_name("diagnosis-costs.png"))
            browser.close()


def keep(shot: Path, target: Path) -> None:
    """In 64 colours."""
    few = Image.open(shot).convert("RGB").quantize(64, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(target, optimize=True)
    sys.stdout.write(f"{target} {target.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
