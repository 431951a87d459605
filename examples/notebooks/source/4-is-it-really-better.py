# %% [markdown]
# # Is it really better?
#
# One network has 99.1 %, another 99.2 %. Is the second one better, or was it lucky? Two things are left to chance:
# which images are in the test, and how a training begins. Each has its own remedy.

# %% tags=["parameters"]
quick = False  # True: few images and one epoch, as the project's tests run this page

# %% [markdown]
# ## An accuracy is an estimate
#
# A test of 10,000 images is a sample of all digits that could be written. The interval says between which accuracies
# the true one lies, in 95 of 100 such samples.

# %%
from digitlab import train

data = {"dataset": "digits-8x8" if quick else "mnist"}
one = train("fast", epochs=1, seed=1, **data)
two = train("fast", epochs=1 if quick else 2, seed=1, name="fast-longer", **data)
for trained in (one, two):
    low, high = trained.metrics.accuracy_interval
    print(f"{trained.metrics.accuracy:.4f}, between {low:.4f} and {high:.4f}")

# %% [markdown]
# ## Two networks on the same images: McNemar's test
#
# The intervals may overlap, and the difference be real all the same: both networks saw the *same* images, and most of
# them tell nothing, since both are right. What counts are those that only one gets right.

# %%
from digitlab import compare

found = compare(one.run, two.run, each=True)
pair = found.ranking.differences[0].paired
print(f"only the first is right: {pair.only_first} images; only the second: {pair.only_second}")
found

# %% [markdown]
# If both were equally good, each of those images would be a coin that falls on one side or the other. The p-value is
# the probability of so uneven a result with a fair coin. That is McNemar's test.

# %% [markdown]
# ## The same recipe with other seeds
#
# The seed decides the first weights and the order of the images. Nothing about the recipe differs:

# %%
seeds = [train("fast", epochs=1, seed=seed, **data) for seed in ((2,) if quick else (2, 3, 4))]
accuracies = [trained.metrics.accuracy for trained in [one, *seeds]]
print([round(accuracy, 4) for accuracy in accuracies])

# %% [markdown]
# That spread is what a comparison of two *recipes* has to beat. `compare` sees by the settings which runs differ in
# the seed alone, takes them together, and compares the means (Welch's t test). Some more trainings of the longer
# recipe, and the question can be asked about recipes:

# %%
longer = {"epochs": 1 if quick else 2, "name": "fast-longer", **data}
more = [train("fast", seed=seed, **longer) for seed in ((2,) if quick else (2, 3))]
recipes = compare(*(trained.run for trained in [one, *seeds, two, *more]))
recipes

# %% [markdown]
# ## Looking often
#
# Who tries twenty recipes finds one that is "significantly" better by chance: 0.05 is one in twenty. `compare`
# therefore corrects the p-values when it is given many (Holm's method), and says so in its sentences.
#
# ## Questions
#
# 1. How many test images would it take to tell 99.1 % from 99.2 % by the intervals alone?
# 2. Give `compare` the same recipe with six seeds, `each=True`. Are any two "different"?
