# %% [markdown]
# # Why does it misread my photo?
#
# A network that is right on 99 of 100 test images takes the photo of your own five for a two. It is not broken: it is
# shown something that it has never seen. This page makes such a photo, lets the network fail, and finds out why.

# %% tags=["parameters"]
quick = False  # True: few images and one epoch, as the project's tests run this page

# %% [markdown]
# ## A network

# %%
from digitlab import load_model, train

trained = train("fast", dataset="digits-8x8" if quick else "mnist", epochs=1 if quick else 2, seed=1)
model = load_model(trained.run)
print(f"accuracy {trained.metrics.accuracy:.4f}")

# %% [markdown]
# ## A photo
#
# A five of a hand that the network does not know, on paper: dark ink on a light ground, not in the middle, with the
# light from one side. (Use your own: `photo = "five.jpg"`.)

# %%
import numpy as np
from PIL import Image

from digitlab import load_dataset

test = load_dataset("mnist").split("test")
five = test.images[np.flatnonzero(test.labels == 5)[3]]
ink = np.asarray(Image.fromarray(five).resize((150, 150), Image.Resampling.BICUBIC)) / 255
light = np.linspace(150, 215, 320)[None, :] + np.random.default_rng(1).normal(0, 4, (300, 320))
light[90:240, 40:190] *= 1 - 0.75 * ink
Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)).save("five.png")
Image.open("five.png")

# %% [markdown]
# ## What beginners do
#
# Make it grey, make it 28×28, ask.

# %%
small = np.asarray(Image.open("five.png").convert("L").resize((28, 28)))
probabilities = model.probabilities(small[None])[0]
print(f"the answer: {probabilities.argmax()} ({100 * probabilities.max():.0f} %)")

# %% [markdown]
# Perhaps it is wrong, perhaps right by luck. Either way it was never trained on such an image.

# %% [markdown]
# ## What is different
#
# `diagnose` measures ten differences between the photo and MNIST's images, corrects one after the other, and asks the
# network after each.

# %%
from digitlab import diagnose

found = diagnose(trained.run, "five.png", label=5)
found

# %% [markdown]
# The same as pictures, each with the network's answer: as given, and after each step.

# %%
found.plot()

# %% [markdown]
# ## The lines to take home
#
# This prepares an image for this model:

# %%
print("\n".join(found.photos[0].lines))

# %% [markdown]
# And the reader that comes with digitlab does all of it by itself, on photos of whole pages:

# %%
from digitlab import Reader

Reader().classify("five.png")

# %% [markdown]
# ## Questions
#
# 1. Turn the photo by 90° (`Image.rotate`). What does `diagnose` say now?
# 2. Which single difference costs the most? Mend only that one, by hand.
