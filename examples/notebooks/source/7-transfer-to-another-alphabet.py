# %% [markdown]
# # Transfer to another alphabet
#
# A network has learned digits from 60,000 images. Now there are ten letters, and twenty images of each. Learning
# from scratch needs more; but edges, bows and corners are the same in both. This page carries over what the network
# knows (S2, the slides of the University of Oviedo).

# %% tags=["parameters"]
quick = False  # True: few images and one epoch, as the project's tests run this page

# %% [markdown]
# ## Ten letters
#
# Drawn by code, each with another hand: turned, slanted, shaken, with pens from thin to thick.

# %%
import numpy as np

from digitlab.datasets.ood.alphabet import LATIN, strokes_of
from digitlab.datasets.ood.pen import as_mnist, blank, draw_lines, placed, shaken
from digitlab.values import Digits

LETTERS = "ACEFHKLMNT"


def draw(letter, rng):
    """An image of a letter, uint8 (28, 28), light ink on dark."""
    canvas = blank()
    draw_lines(canvas, placed(shaken(strokes_of(LATIN[letter]), rng)), rng)
    return as_mnist(canvas)


def letters(each, seed):
    """So many images of each letter, in turn; the label is its place in LETTERS."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(10, dtype=np.uint8), each)
    return Digits(np.stack([draw(LETTERS[label], rng) for label in labels]), labels)


few, many = letters(20, seed=1), letters(20 if quick else 100, seed=2)
np.savez("letters.npz", x_train=few.images, y_train=few.labels, x_test=many.images, y_test=many.labels)
few

# %% [markdown]
# ## A network that knows digits

# %%
from digitlab import train

digits = train("fast", dataset="digits-8x8" if quick else "mnist", epochs=1 if quick else 2, seed=1)
print(f"digits: {digits.metrics.accuracy:.4f}")

# %% [markdown]
# ## Three ways
#
# *anew*: the same network from scratch, to compare with. *features*: the network stays as it is, and a simple
# classifier learns from what its last but one layer makes of the letters. *two-phase*: a new last layer, then
# everything at a lower rate.

# %%
from digitlab import transfer

short = {"epochs": 1, "fine_epochs": 1} if quick else {}
results = {}
for how in ("anew", "features", "two-phase"):
    results[how] = transfer(digits.run.path, data="letters.npz", how=how, name=f"letters-{how}", **short)
    print(f"{how:10} {results[how].metrics.accuracy:.4f}")

# %%
results["features"]

# %% [markdown]
# Which letters are confused? Row 0 is A, row 1 is C, and so on.

# %%
results["features"].metrics.plot()

# %% [markdown]
# ## How many images does it take?

# %%
for count in (5,) if quick else (2, 5, 10, 20):
    found = transfer(digits.run.path, data="letters.npz", how="features", per_class=count)
    print(f"{count:3} of each letter: {found.metrics.accuracy:.4f}")

# %% [markdown]
# ## Is it the digits that help?
#
# `compare` says whether the difference from the network that learned from scratch is more than chance. It needs no
# retraining: all of them answered the same test images.

# %%
from digitlab import compare

compare(*(done.run for done in results.values()))

# %% [markdown]
# ## Questions
#
# 1. At how many images of each letter does learning from scratch catch up?
# 2. Take features from an earlier layer (`layer=…`; a wrong name is answered with the right ones). Better or worse?
# 3. Try it with your own hand: a folder `mine/0/*.png` … `mine/9/*.png`, `data="mine/"`, `head="keep"`.
