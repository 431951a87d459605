# %% [markdown]
# # One question at a time
#
# S1 (Aboueloula, Benserhier, Zrira, 2020, §3.2) builds its network by asking one question after the other: how large
# should the kernels be? How many filters? Which pooling? Everything else stands still. That is the whole method, and
# the part that is most easily forgotten: a network in which two things were changed answers no question.

# %% tags=["parameters"]
quick = False  # True: few images and one epoch, as the project's tests run this page

# %% [markdown]
# ## The question: kernels of 3×3, 5×5 or 7×7? (S1, §3.2.1)
#
# The network is S1's first one. Only `kernel` differs.

# %%
from digitlab import train

common = {
    "architecture": "conv-family", "dataset": "digits-8x8" if quick else "mnist", "optimiser": "adam",
    "batch_size": 128, "epochs": 1 if quick else 3, "watch": "test", "seed": 1,
}  # fmt: skip
for kernel in (3, 5, 7):
    train(options={"pooling": "average", "kernel": kernel}, name=f"kernel-{kernel}", **common)

# %% [markdown]
# All runs are in one folder. A table of them, the most accurate first:

# %%
from digitlab import list_runs

table = list_runs("runs", where="name ~ kernel", sort="accuracy")
table

# %% [markdown]
# ## The curves
#
# S1 says: larger kernels are better at first, and the same in the end.

# %%
from digitlab import compare

found = compare(*[row["path"] for row in table.rows])
found.plot("test-accuracy")

# %% [markdown]
# ## Is the difference more than chance?

# %%
found

# %% [markdown]
# The sentences say which differences are shown and which are not, for these three trained networks. Whether kernels of
# 5×5 are better *in general* needs more than one training of each: that is the next notebook.
#
# ## A study
#
# A question with several trainings of each answer, its published numbers and its conclusions is a study. All of S1's
# are named in `digitlab study list`; this one is `run_study("kernel-size")`, five trainings of each kernel, about five
# minutes.
#
# ## Questions
#
# 1. Ask another one: `"filters": [16]`, `[32]`, `[64]`. What does twice the filters cost in seconds?
# 2. Ask two questions at once, kernel 5 *and* twice the filters. What can you conclude from the result, and what not?
