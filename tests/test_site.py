"""The site: every page is read, every link leads somewhere, and the references name everything that there is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import digitlab
from digitlab.apps.cli.verbs import VERBS

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))  # the tools import each other


def test_python_names_are_all_described() -> None:
    from reference_pages import api_page  # type: ignore[import-not-found]

    page = api_page()
    assert all(f"\n### {name}\n" in page for name in digitlab.__all__)
    assert "## Others" not in page, "put the new names into a group of tools/reference_pages.py"
    assert page.count("```pycon") >= len(digitlab.__all__) - 2


def test_commands_are_all_described() -> None:
    from reference_pages import cli_page

    page = cli_page()
    assert all(f"\n### digitlab {verb}\n" in page for verb in VERBS)
    for words in ("`--architecture`", "#### digitlab study run", "digitlab train --epochs 3"):
        assert words in page


@pytest.mark.parametrize(
    ("docstring", "markdown"),
    [
        ("One line.", "One line."),
        ("A list_of *things*.", r"A list\_of \*things\*."),
        ("``code`` and `names`", "`code` and `names`"),
        ("It reads: what it can", "It reads: what it can"),
        ("images: uint8 (N,)\nlabels: (N,),\n    0 to 9", "- **images**: uint8 (N,)\n- **labels**: (N,), 0 to 9"),
        ("Args:\n    data: a name.", "**Args**\n\n- **data**: a name."),
        (">>> 1 + 1\n2", "```pycon\n>>> 1 + 1\n2\n```"),
    ],
)  # fmt: skip
def test_docstrings_become_markdown(docstring: str, markdown: str) -> None:
    from reference_pages import markdown_of

    assert markdown_of(docstring) == markdown


@pytest.mark.slow
def test_every_page_is_read_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    pytest.importorskip("myst_nb", reason="Sphinx and MyST are not installed")
    tool = [sys.executable, str(ROOT / "tools" / "build_site.py"), "--quick", "--out", str(tmp_path)]
    done = subprocess.run(tool, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
