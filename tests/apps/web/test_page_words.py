"""The page's words, without a browser: all it says is there in every language, and nothing comes from elsewhere."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from digitlab.reading.orientation import LIES

STATIC = resources.files("digitlab.apps.web") / "static"
SCRIPTS = {each.name: each.read_text() for each in STATIC.iterdir() if each.name.endswith(".js")}
BROWSER = resources.files("digitlab.apps.web") / "browser"
HERE = {each.name: each.read_text() for each in BROWSER.iterdir() if each.name.endswith(".js")}
PAGE = (STATIC / "index.html").read_text()


LATER = {  # what learning needs: loaded when it is first looked at, or in a worker of its own
    "learning-answers.js", "learning-data.js", "learning-layers.js", "learning-maps.js", "learning-network.js",
    "learning-optimiser.js", "learning-run.js", "learning-trainer.js", "learning-view.js", "learning-worker.js",
    "random.js",
}  # fmt: skip
LANGUAGES = {  # and which texts are the same there
    "spanish.js": {"logit"},
    "french.js": {"logit", "Page", "Photo", "rotation", "gradients", "pixel {row}, {column}"},
}


def _translated(file: str) -> set[str]:
    text = SCRIPTS[file]
    return set(re.findall(r'^  "((?:[^"\\]|\\.)*)":', text, re.M)) | set(re.findall(r"^  ([A-Za-z]\w*):", text, re.M))


def _said() -> set[str]:
    code = "\n".join(text for name, text in [*SCRIPTS.items(), *HERE.items()] if name not in LANGUAGES)
    told = set(re.findall(r'\b(?:t|relayed)\(\s*"([^"]*)"', code))
    told |= set(
        re.findall(r'(?:title: |^      )"([^"]*)"', _between("tour-steps.js", "export const STEPS = [", "\n];"), re.M)
    )
    for name, table in (
        ("layers.js", "WORDS"), ("training.js", "NETWORKS"), ("training.js", "STAGES"), ("tour-figures.js", "FILTERS"),
        ("gallery.js", "NAMES"), ("diagnosis.js", "DIFFERENCES"), ("api.js", "PROBLEMS"), ("training.js", "REFUSED"),
        ("damage.js", "KINDS"), ("learning-view.js", "NETWORKS"), ("learning-view.js", "OPTIMISERS"),
    ):  # fmt: skip
        told |= set(re.findall(r':\s*"([^"]*)"', _between(name, f"const {table} = {{", "};")))
    # What `Reading.note` says of a page that was read without constraints, which the page shows below a photo.
    told |= {f"the page is {way}; it was set upright first" for way in LIES.values()} | {
        "it is not clear which way up this page is"
    }
    page = re.sub(r"\s+", " ", PAGE)
    told |= {each.strip() for each in re.findall(r"data-t>([^<]*)<", page)}
    told |= set(re.findall(r"<title>([^<]*)<", page))
    labels = r'data-t-label[^>]*?aria-label="([^"]*)"', r'aria-label="([^"]*)"[^>]*? data-t-label'
    return told.union(*(re.findall(label, page) for label in labels))


def _between(name: str, start: str, end: str) -> str:
    return SCRIPTS[name].partition(start)[2].partition(end)[0]


@pytest.mark.parametrize("file", LANGUAGES)
def test_everything_is_there_in_each_language(file: str) -> None:
    assert _said() - _translated(file) == set()


@pytest.mark.parametrize("file", LANGUAGES)
def test_what_is_said_there_is_another_text(file: str) -> None:
    same = re.findall(r'^  (?:"((?:[^"\\]|\\.)*)"|(\w+)):\s+"(?:\1|\2)",$', SCRIPTS[file], re.M)
    assert {quoted or word for quoted, word in same} == LANGUAGES[file]


@pytest.mark.parametrize("file", LANGUAGES)
def test_the_dictionary_has_nothing_that_is_no_longer_said(file: str) -> None:
    assert _translated(file) - _said() == set()


@pytest.mark.parametrize("file", LANGUAGES)
def test_a_translation_names_the_same_values(file: str) -> None:
    pairs = re.findall(r'^  "?((?:[^"\\]|\\.)*?)"?:\s+"((?:[^"\\]|\\.)*)",$', SCRIPTS[file], re.M)
    assert len(pairs) > 250
    for english, said in pairs:
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", said)), english


def _translations(file: str) -> list[str]:
    text = SCRIPTS[file] + (STATIC / "class" / file).read_text()
    told = re.findall(r'^  (?:"(?:[^"\\]|\\.)*"|\w+):\s+"((?:[^"\\]|\\.)*)",$', text, re.M)
    return [each.replace("?token=", "") for each in told]  # the part of an address is no sentence


@pytest.mark.parametrize("file", LANGUAGES)
def test_signs_stand_as_they_are_written_there(file: str) -> None:
    spaced, close = r"(?<!\s)[;:?!»%]|«(?!\s)", r"\s[;:?!»]|«\s|(?<!\s)%"
    wrong = spaced if file == "french.js" else close
    for told in _translations(file):
        assert re.findall(wrong, told) == [], told
        assert " …" not in told, told
        if file == "spanish.js":
            assert told.count("¿") == told.count("?"), told
            assert told.count("¡") == told.count("!"), told


def test_the_browser_is_told_of_all_modules_at_once() -> None:
    told = re.findall(r'"modulepreload" href="static/([\w-]+\.js)"', PAGE)
    assert sorted([*told, "main.js", "shade.js", *LANGUAGES, *LATER]) == sorted(SCRIPTS)


@pytest.mark.parametrize("name", ["index.html", *sorted(SCRIPTS), "page.css", *sorted(HERE)])
def test_nothing_is_inline_or_from_elsewhere(name: str) -> None:
    text = HERE[name] if name in HERE else (STATIC / name).read_text()
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text) == []
    if name == "index.html":
        assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text) == []


# The pages of a class: files and dictionaries of their own, beside the others. ------------------------------------

CLASS = {each.name: each.read_text() for each in (STATIC / "class").iterdir()}


def _of_the_class(file: str) -> set[str]:
    return set(re.findall(r'^  "((?:[^"\\]|\\.)*)":', CLASS[file], re.M)) | set(
        re.findall(r"^  ([A-Za-z]\w*):", CLASS[file], re.M)
    )


def _said_by_the_class() -> set[str]:
    code = "\n".join(text for name, text in CLASS.items() if name.endswith(".js") and name not in LANGUAGES)
    told = set(re.findall(r'\b(?:t|relayed)\(\s*"([^"]*)"', code))
    told |= set(re.findall(r':\s*"([^"]*)"', code.partition("const REFUSALS = {")[2].partition("};")[0]))
    for name in ("pupil.html", "wall.html"):
        page = re.sub(r"\s+", " ", CLASS[name])
        told |= {each.strip() for each in re.findall(r"data-t>([^<]*)<", page)}
        told |= set(re.findall(r"<title>([^<]*)<", page))
        labels = r'data-t-label[^>]*?aria-label="([^"]*)"', r'aria-label="([^"]*)"[^>]*? data-t-label'
        told = told.union(*(re.findall(label, page) for label in labels))
    return told


@pytest.mark.parametrize("file", LANGUAGES)
def test_a_class_is_there_in_each_language(file: str) -> None:
    own = _of_the_class(file)
    assert _said_by_the_class() - own - _translated(file) == set()
    assert own - _said_by_the_class() == set(), "no longer said"
    assert own & _translated(file) == set(), "said twice"
    pairs = re.findall(r'^  "?((?:[^"\\]|\\.)*?)"?:\s+"((?:[^"\\]|\\.)*)",$', CLASS[file], re.M)
    assert len(pairs) == len(own)
    for english, said in pairs:
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", said)), english
        assert english != said


@pytest.mark.parametrize("name", sorted(CLASS))
def test_nothing_of_a_class_is_inline_or_from_elsewhere(name: str) -> None:
    assert re.findall(r"https?://", CLASS[name]) == []
    if name.endswith(".html"):
        assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", CLASS[name]) == []
