# %% [markdown]
# # What the layers see
#
# A convolution lays a small table of weights, a filter, on every place of an image and adds up the products. Long
# before networks learned their filters, people wrote them by hand. First those (S2, the slides of the University of
# Oviedo), then the ones that a network finds by itself (S0, §5.1).

# %% tags=["parameters"]
quick = False  # True: few images and one epoch, as the project's tests run this page

# %% [markdown]
# ## Filters written by hand

# %%
from digitlab import load_dataset
from digitlab.datasets.transforms.filter_bank import BANK, apply_bank
from digitlab.reports.figures import filters_figure

four = load_dataset("mnist").split("test").images[4]
print(BANK["sobel-vertical"])
filters_figure(four, BANK, apply_bank(four))

# %% [markdown]
# Orange is above 0, blue below. The filter for vertical lines answers along the stems of the four, and the Sobel
# filters at edges: they are differences of neighbouring pixels.

# %% [markdown]
# ## Filters that were learned
#
# S0's network, trained for two epochs, and looked into while it reads the same four.

# %%
from digitlab import inspect, train

data = "digits-8x8" if quick else "mnist"
trained = train(architecture="thesis-2conv", dataset=data, epochs=1 if quick else 2, seed=1)
inside = inspect(trained.run, "inside", digit="mnist:4")
print("\n".join(inside.pictures))

# %%
from IPython.display import Image


def picture(beginning):
    """The first picture whose name begins so."""
    name = next(name for name in inside.pictures if name.startswith(beginning))
    return Image(inside.folder / name, width=800)


picture("filters")

# %% [markdown]
# The filters of the first convolution. Some look like those written by hand: light on one side and dark on the other.
# Nobody told the network; they lowered the loss.

# %% [markdown]
# ## From the image to the answer
#
# Each row is a layer with its most active maps. The further down, the smaller the maps and the less they look like
# the four; the last row are the ten probabilities.

# %%
picture("walk")

# %% [markdown]
# ## Why a four?
#
# Four ways to ask which pixels spoke for the answer. They do not agree in everything, which is worth knowing before
# one is quoted.

# %%
picture("reasons")

# %% [markdown]
# ## Questions
#
# 1. Look at the same digit with `digit="mnist:5"`. Which maps of the first convolution answer to other parts now?
# 2. `inspect(trained.run, "other", digit="mnist:4", why=9)`: which pixels would speak for a nine?
# 3. How many filters of the first convolution are alike? Train `options={"filters": [8]}` of `conv-family`: does the
#    accuracy suffer?
