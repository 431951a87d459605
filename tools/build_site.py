"""Build the documentation site with Sphinx; every warning is an error, including broken links.

    python tools/build_site.py               # into build/site/html
    python tools/build_site.py --quick       # read all pages and check all links, write nothing, without notebooks

The pages are those of the repository, in the same layout, so that their links work; added are the pages of site/, the
reference of Python names generated from their docstrings, and that of the commands, generated from the commands.
"""

from __future__ import annotations

import argparse
import functools
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote

from reference_pages import api_page, cli_page

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "site"
_TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s#]+)[^)]*\)|<img[^>]+src=\"([^\"]+)\"")
_FOLDER = re.compile(r"(?<!!)\[([^\]]*)\]\(([\w./-]+)\)")
_PLACED = re.compile(r"^(?:docs|examples)/[\w/.-]+$", re.MULTILINE)


def lay_out(source: Path, *, quick: bool) -> None:
    """Write everything that Sphinx reads into an empty folder."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    pages = [ROOT / name for name in _TOP if (ROOT / name).is_file()]
    pages += sorted((ROOT / "docs").rglob("*.md"))
    notebooks = ROOT / "examples" / "notebooks"
    pages += [notebooks / "README.md", *([] if quick else sorted(notebooks.glob("*.ipynb")))]
    for page in pages:
        _copy(page, source)
        if page.suffix == ".md":
            for linked in _linked(page):
                _copy(linked, source)
    placed: set[str] = set()
    own = {path: path.read_text("utf-8") for path in sorted((ROOT / "site").iterdir()) if path.is_file()}
    for text in own.values():
        placed |= set(_PLACED.findall(text))
    rest = [str(page.relative_to(ROOT).with_suffix("")) for page in pages if page.parent != ROOT]
    rest = [name for name in rest if name not in placed]
    how_to = [name for name in rest if name.startswith("docs/sources")]
    reference = [name for name in rest if name not in how_to]
    for path, text in own.items():
        filled = text.replace("@HOW-TO@", "\n".join(how_to)).replace("@REFERENCE@", "\n".join(reference))
        if quick:
            filled = re.sub(r"^examples/notebooks/\d.*\n", "", filled, flags=re.MULTILINE)
        (source / path.name).write_text(filled, "utf-8")
    (source / "api.md").write_text(api_page(), "utf-8")
    (source / "cli.md").write_text(cli_page(), "utf-8")
    if quick:
        index = source / "examples" / "notebooks" / "README.md"
        index.write_text(re.sub(r"\[([^\]]+)\]\(\d[\w-]+\.ipynb\)", r"\1", index.read_text("utf-8")), "utf-8")


def _linked(page: Path) -> list[Path]:
    """Return the repository's files that a page links to and that are not pages themselves."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    files = []
    for match in _LINK.finditer(text):
        name = unquote(match[1] or match[2])
        path = (page.parent / name).resolve()
        if "://" not in name and path.is_relative_to(ROOT) and path.is_file() and path.suffix not in (".md", ".ipynb"):
            files.append(path)
    return files


def _copy(path: Path, source: Path) -> None:
    to = source / path.relative_to(ROOT)
    if not to.exists():
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            to.write_text(_FOLDER.sub(functools.partial(_of_folder, path), path.read_text("utf-8")), "utf-8")
        else:
            shutil.copy(path, to)


def _of_folder(page: Path, link: re.Match[str]) -> str:
    """Replace a link to a folder, which a code host lists but a site cannot: link to its README, or drop the link."""
    path = page.parent / link[2]
    if not path.is_dir():
        return link[0]
    return f"[{link[1]}]({link[2].rstrip('/')}/README.md)" if (path / "README.md").is_file() else link[1]


def main() -> int:
    """Build the site; return Sphinx's exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="read and check everything but the notebooks, write nothing"
    )
    parser.add_argument("--out", type=Path, default=BUILD, help="the folder; by default build/site")
    options = parser.parse_args()
    from sphinx.cmd.build import main as sphinx

    source, name = options.out / "source", "dummy" if options.quick else "html"
    lay_out(source, quick=options.quick)
    words = [
        "-b",
        name,
        "-W",
        "--keep-going",
        "-q",
        "-d",
        str(options.out / "cache"),
        str(source),
        str(options.out / name),
    ]
    code = int(sphinx(words))
    if code == 0 and not options.quick:
        print(f"look at {options.out / 'html' / 'index.html'}")  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main())
