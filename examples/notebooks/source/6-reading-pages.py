# %% [markdown]
# # Reading pages
#
# A page holds many digits, in lines, on paper with lines of its own, under a lamp. Finding the digits is half of the
# work. The reader comes with the package; nothing is trained here, and TensorFlow is not needed.

# %% tags=["parameters"]
quick = False  # True: as the project's tests run this page

# %% [markdown]
# ## A page
#
# This one is drawn by code from digits of MNIST's test set, so what stands on it is known. (Use your own:
# `Reader().read("photo.jpg")`.)

# %%
from PIL import Image

from digitlab.examples.pages import page_of
from digitlab.examples.paper_video import digits_of

page = page_of("squared", digits_of("402713\n8859\n016", seed=1), seed=2, size=(900, 600))
Image.fromarray(page.image).save("page.png")

# %%
from digitlab import Reader

reader = Reader()
reading = reader.read("page.png")
reading

# %% [markdown]
# A reading shows its picture with a box around each digit. Blue digits were answered; an orange `?` is one that was
# found and not answered, because the reader was not sure.

# %%
print(reading.text)
print("right" if reading.text == page.text else f"what stands there:\n{page.text}")

# %% [markdown]
# ## The digits as a table

# %%
for digit in reading.digits[:4]:
    print(digit.character, f"{digit.confidence:.3f}", digit.box, "line", digit.line + 1)
# reading.to_frame() is the same as a table of pandas, where that is installed.

# %% [markdown]
# ## What is known of a page
#
# The more is said, the less can be misread: how many digits, how many lines, which form. A page that does not hold
# what was asked for says so.

# %%
form = page_of("plain", digits_of("482139", seed=5), seed=4, size=(700, 260))
known = reader.read(form.image, pattern="####-##")
print(known.text, known.fits)
known

# %%
print(reader.read(form.image, count=5).note)

# %% [markdown]
# ## How sure is it?
#
# The confidence says how likely it is that this digit stands there. A threshold decides what is answered. More of it:
# fewer mistakes, and more question marks.

# %%
kinds = ("plain", "ruled", "squared", "dark", "whiteboard", "touching")
for threshold in (0.3, 0.5, 0.9):
    strict, right, wrong, declined = Reader(threshold=threshold), 0, 0, 0
    for number, kind in enumerate(kinds[: 2 if quick else None]):
        drawn = page_of(kind, digits_of("31415926", seed=number), seed=number, size=(900, 300))
        text = strict.read(drawn.image).text.replace("\n", "")
        declined += text.count("?")
        pairs = list(zip(text, drawn.text, strict=False))
        right += sum(read == true for read, true in pairs)
        wrong += sum(read != true and read != "?" for read, true in pairs)
    print(f"threshold {threshold}: {right} right, {wrong} wrong, {declined} declined")

# %% [markdown]
# ## Many pages
#
# `reader.read_many(names)` reads several at once and answers in order; `digitlab read scans/ --csv digits.csv
# --review doubtful.html` reads a folder on all cores and makes a page for a person to look over what was doubtful.
#
# ## Questions
#
# 1. Which kind of paper is hardest? `from digitlab.examples.pages import KINDS` names them all.
# 2. Photograph a page of your own digits. Where does it fail, and what do you know of the page that would help?
