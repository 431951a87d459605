"""Write the sentence about confidence thresholds into docs/reading.md, from the metadata of the shipped page reader.

    python tools/reading_thresholds.py            # after page.onnx was replaced

The sentence is between `<!-- thresholds of page.onnx -->` and `<!-- end of thresholds -->`.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.network.classifier import start_session

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
PAGE, FILE = ROOT / "docs" / "reading.md", ROOT / "src" / "digitlab" / "reading" / "shipped" / "page.onnx"
_SENTENCE = re.compile(r"(<!-- thresholds of page\.onnx -->\n).*?(<!-- end of thresholds -->)", re.DOTALL)


def stored_thresholds(file: Path = FILE) -> dict[float, float]:
    """Read from the page reader's file the least confidence for each precision on drawn pages, both 0 to 1."""
    metadata = start_session(file.read_bytes(), file, 1).get_modelmeta().custom_metadata_map
    return {float(share): float(least) for share, least in json.loads(metadata["thresholds"]).items()}


def sentence(thresholds: Mapping[float, float]) -> str:
    """Say which confidence is needed for which precision; a precision that was not reached (least 1) is left out."""
    reached = {share: least for share, least in sorted(thresholds.items()) if least < 1.0}
    (share, least), *others = reached.items()
    words = (
        "On synthetic pages with fonts, MNIST images and scenes that were not used in training, full of faint, tiny "
        f"and touching digits among text, {100 * share:g} of 100 answers with a confidence of at least {least:g} are "
        "correct"
        + "".join(f", {100 * share:g} from {least:g}" for share, least in others)
        + f"; `--threshold {max(reached.values()):g}` answers fewer digits with higher precision."
    )
    return textwrap.fill(words, 140, break_long_words=False, break_on_hyphens=False)


def with_sentence(page: str, thresholds: Mapping[float, float]) -> str:
    """Return the page with its sentence updated.

    Raises:
        ValueError: when the page has no place for it.
    """
    if not _SENTENCE.search(page):
        raise ValueError("no `<!-- thresholds of page.onnx -->` … `<!-- end of thresholds -->` in the page; add both")
    return _SENTENCE.sub(lambda match: f"{match[1]}\n{sentence(thresholds)}\n\n{match[2]}", page)


def main() -> None:
    """Update the page."""
    PAGE.write_text(with_sentence(PAGE.read_text("utf-8"), stored_thresholds()), "utf-8")


if __name__ == "__main__":
    main()
