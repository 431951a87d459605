# %% [markdown]
# # Reading pages and sheets
#
# A page holds many digits, in lines, on paper with lines of its own, under a lamp. Finding the digits is half of the
# work. The reader comes with the package; nothing is trained here, and TensorFlow is not needed. The last part, on
# sheets, needs the extra `pdf`.

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
# ## Sheets: a stack becomes a table
#
# Most digits stand in forms: marks, student numbers, dates. Then the place of each box is known, and nothing needs to
# be found but the sheet itself. A form is a text file. The example, which `digitlab sheet example` writes, is an exam's
# marks.

# %%
from pathlib import Path

from digitlab.examples.sheet_stacks import draw_stack
from digitlab.jobs.forms import example_form
from digitlab.jobs.sheets import read_sheets
from digitlab.sheets import read_form

example_form(Path("marks.toml"), force=True)
form = read_form(Path("marks.toml"))
print(*(field.name for field in form.fields), sep=", ")

# %% [markdown]
# `digitlab sheet new marks.toml --out form.pdf` prints it. People would fill it in and you would photograph the
# sheets; here both are drawn by code, so what was written is known.

# %%
draw_stack(form, Path("stack"), count=2 if quick else 6, seed=7, processes=1)
photos = sorted(Path("stack").glob("*.jpg"))
Image.open(photos[0]).reduce(3)

# %% [markdown]
# The black markers in the corners say which form it is, which way up it lies, and where each box is in the photo.
# One call reads the stack:

# %%
read = read_sheets(Path("marks.toml"), *photos, out=Path("marks.csv"), processes=1)
print(read.sheets, "sheets,", read.refused, "refused;", read.states)

# %% [markdown]
# *doubtful* is for a person to look at. Of the values that count as answered, are all right?

# %%
import csv


def table_of(name):
    """The rows of a CSV by the photo's name."""
    with Path(name).open(newline="", encoding="utf-8") as file:
        return {Path(row["file"]).name: row for row in csv.DictReader(file)}


table, truth, answered, odd = table_of("marks.csv"), table_of("stack/truth.csv"), 0, []
for name, row in table.items():
    print(name, *(f"{field} {row[field]}" for field in ("student", "date", "total", "grade")), sep="  ")
    for field in (each.name for each in form.fields):
        state, value, written = row[f"{field} state"], row[field], truth[name][field]
        answered += state == "answered"
        if state in ("doubtful", "failed check") or (state == "answered" and value != written):
            odd.append(f"{name}, {field}: {value or 'nothing'} ({state}); written {written or 'nothing'}")
print(f"{answered} answered; doubtful, or answered and wrong:", *(odd or ["none"]), sep="\n")

# %% [markdown]
# The example says `check = "date"`: a date that does not exist is not bent into one that does. With a list of the
# student numbers (`among = "students.csv"`, `one_to_one = true`) a doubtful digit is settled by the list. What was seen
# is kept beside the table, so after such a change of the form the same call opens no photo again.
#
# ## Questions
#
# 1. Which kind of paper is hardest? `from digitlab.examples.pages import KINDS` names them all.
# 2. Photograph a page of your own digits. Where does it fail, and what do you know of the page that would help?
# 3. Write the student numbers of `stack/truth.csv` into a file, name it in `marks.toml` and read again. Now rub a digit
#    out of one number in the list: what becomes of that sheet?
