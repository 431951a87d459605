# %% [markdown]
# # A first network
#
# A network learns to tell handwritten digits apart. It is the one of S4 (Bertsch, *Convolutional Neural Networks*,
# 2019): two convolutions, a maximum pooling, a dense layer. S4 trains it for 12 epochs and reaches 99.31 %. Three
# epochs, which take a minute or two, come close.
#
# What you need: `pip install` of digitlab with the extra `train`.

# %% tags=["parameters"]
quick = False  # True: few images and one epoch, as the project's tests run this page

# %% [markdown]
# ## The images
#
# MNIST comes with the package: 60,000 images to learn from and 10,000 to be tested with, 28×28 pixels, light ink on
# dark. A dataset shows its first test images with their labels.

# %%
from digitlab import load_dataset

dataset = load_dataset("digits-8x8" if quick else "mnist")
dataset

# %% [markdown]
# To the computer an image is a table of whole numbers from 0 (paper) to 255 (ink).

# %%
digits = dataset.split("train")
print(digits.images.shape, digits.images.dtype, digits.images.min(), digits.images.max())
print("labels:", digits.labels[:10])

# %% [markdown]
# ## The training
#
# One call trains, tests, saves the network and writes a report. `watch="test"` looks at the test images after each
# epoch as well, as S4 did; nothing is decided by them. (In work of your own, hold out a part of the training images
# instead: `validation=0.1`.)

# %%
from digitlab import train

trained = train(
    architecture="notebook-cnn", dataset=dataset.name, epochs=1 if quick else 3, epsilon=1e-7,
    watch="test", seed=1,
)  # fmt: skip
trained

# %% [markdown]
# The folder holds everything: the settings, the curves, the network, the predictions, and `report.html`, which any
# browser opens.

# %% [markdown]
# ## The learning curves

# %%
trained.history

# %% [markdown]
# The thin line is the loss of each batch, the points are means over an epoch. The training loss is higher than the
# test loss at first, because it is a mean over the whole epoch, in which the network was still worse, and because
# dropout is at work during training only.

# %% [markdown]
# ## The mistakes
#
# Rows are the true digits, columns the predicted ones. A network without mistakes would have all its images on the
# diagonal.

# %%
trained.metrics.plot()

# %% [markdown]
# The mistakes of which it was surest. Some of them are hard for people too.

# %%
trained.plot("mistakes")

# %% [markdown]
# ## The network itself
#
# Nearly all parameters sit in the first dense layer.

# %%
from digitlab import load_model

model = load_model(trained.run)
model

# %%
test = dataset.split("test")
print(model.probabilities(test.images[:1]).round(4), "label:", test.labels[0])

# %% [markdown]
# ## Questions
#
# 1. Train with another seed: `seed=2`. How much does the accuracy change? Keep that number in mind when you read that
#    one network is "better" than another.
# 2. What happens with `dropout=False`? Look at both curves.
# 3. Which two digits does your network confuse most often? Is it the same two with another seed?
