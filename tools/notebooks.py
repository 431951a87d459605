"""Make the notebooks of examples/notebooks, with outputs, from the plain scripts in its folder source/.

    python tools/notebooks.py                    # run all of them in full, some minutes, and write them
    python tools/notebooks.py 6-reading-pages    # one of them
    python tools/notebooks.py --check            # check that they match the scripts and are small for a code host

A script is in the percent format that editors show as cells: `# %% [markdown]` begins text, `# %%` code. Notebooks are
kept without execution counts, random ids, times and paths of this machine; pictures have at most 128 colours.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "examples" / "notebooks"
LARGEST = 600_000  # bytes per notebook: code hosts show larger ones slowly or not at all
_WIDEST, _COLOURS = 900, 128  # of a picture
_QUICK = re.compile(r"^quick = False\b.*$", re.MULTILINE)
_STAMP = re.compile(r"\b\d{4}-\d\d-\d\d(?:-\d{6}| \d\d:\d\d)\b")  # in a run folder's name, and in a table
_SECONDS = 600  # timeout per cell

Cell = dict[str, Any]


def names() -> list[str]:
    """List the scripts, in the order of the course."""
    return sorted(path.stem for path in (FOLDER / "source").glob("*.py"))


def notebook_of(name: str) -> dict[str, Any]:
    """Convert a script to a notebook without outputs."""
    text = (FOLDER / "source" / f"{name}.py").read_text("utf-8")
    parts = re.split(r"^# %%(.*)\n", text, flags=re.MULTILINE)[1:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    cells = [_cell(number, head.strip(), body) for number, (head, body) in enumerate(pairs)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    language = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
    metadata = {"kernelspec": kernel, "language_info": language}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _cell(number: int, head: str, body: str) -> Cell:
    identity = {"id": f"cell-{number}", "metadata": {}}
    if head.startswith("[markdown]"):
        lines = [re.sub(r"^# ?", "", line) for line in body.strip().splitlines()]
        return {"cell_type": "markdown", **identity, "source": _joined("\n".join(lines))}
    code = {"cell_type": "code", **identity, "execution_count": None, "outputs": [], "source": body.strip()}
    if tags := re.search(r"tags=(\[.*?\])", head):
        code["metadata"] = {"tags": json.loads(tags[1])}
    return code


def _joined(text: str) -> str:
    """Join the lines of a paragraph, as Markdown does; lists, headings and empty lines stay."""
    return re.sub(r"(?<=\S)\n *(?!\d+\.|[-*|#>\s]|$)", " ", text, flags=re.MULTILINE)


def run(
    notebook: dict[str, Any], folder: Path, *, quick: bool = False, kernel: Any = None, before: str = ""
) -> dict[str, Any]:
    """Run the notebook in ``folder``, and return it with its outputs.

    quick: run as in the tests: set the parameter in its cell
    before: code inserted before that parameter
    kernel: a kernel manager whose kernel is reused by all notebooks; None: a new one
    """
    import nbformat
    from nbclient import NotebookClient

    copy = json.loads(json.dumps(notebook))
    for cell in copy["cells"]:
        if quick and cell["cell_type"] == "code":
            cell["source"] = _QUICK.sub(f"{before}quick = True", cell["source"])
    node = nbformat.from_dict(copy)
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(node, km=kernel, timeout=_SECONDS, kernel_name="python3", resources=resources)
    try:
        client.execute()
    finally:
        if kernel is not None and client.kc is not None:
            client.kc.stop_channels()  # the client leaves the sockets to a borrowed kernel open
    result: dict[str, Any] = json.loads(json.dumps(client.nb))
    return result


def normalised(notebook: dict[str, Any], source: dict[str, Any], *, smaller: bool = True) -> dict[str, Any]:
    """Combine ``source`` with the outputs of ``notebook``, without anything that differs between runs for no reason.

    smaller: recompress pictures, whose result depends on the version of Pillow
    """
    cells = []
    for own, ran in zip(source["cells"], notebook["cells"], strict=True):
        outputs = [normal for each in ran.get("outputs", []) if (normal := _output(each, smaller=smaller)) is not None]
        cells.append({**own, "outputs": outputs} if own["cell_type"] == "code" else own)
    return {**source, "cells": cells}


def _output(output: dict[str, Any], *, smaller: bool) -> dict[str, Any] | None:
    """Normalise an output; None if it is no result: progress, libraries' messages on stderr."""
    if output["output_type"] == "stream":
        return None if output["name"] == "stderr" else {**output, "text": _plain(_text(output["text"]))}
    if output["output_type"] == "error":
        return output
    data = {kind: _plain(_text(value)) for kind, value in output["data"].items() if kind.startswith("text/")}
    if "image/png" in output["data"]:
        data["image/png"] = _smaller(output["data"]["image/png"]) if smaller else output["data"]["image/png"]
    if not any(str(value).strip() for value in data.values()):
        return None  # a progress bar that has disappeared
    if "text/html" in data or "image/png" in data:
        data["text/plain"] = ""  # a repr of arrays and addresses, which nobody reads
    result = {"output_type": output["output_type"], "data": data, "metadata": {}}
    return {**result, "execution_count": None} if output["output_type"] == "execute_result" else result


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def _plain(text: str) -> str:
    return _STAMP.sub("2026-…", text)


def _smaller(picture: str) -> str:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
        pixels = image.convert("RGB")
    if pixels.width > _WIDEST:
        pixels = pixels.resize((_WIDEST, round(pixels.height * _WIDEST / pixels.width)), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    pixels.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return base64.b64encode(out.getvalue()).decode("ascii")


def written(notebook: dict[str, Any]) -> str:
    """Return the content of the file."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def problems() -> list[str]:
    """List the faults of the notebooks in the repository."""
    faults = [f"{path.name}: has no script" for path in FOLDER.glob("*.ipynb") if path.stem not in names()]
    for name in names():
        path = FOLDER / f"{name}.ipynb"
        if not path.is_file():
            faults.append(f"{path.name}: is missing; python tools/notebooks.py {name}")
            continue
        text, source = path.read_text("utf-8"), notebook_of(name)
        stored = json.loads(text)
        if [cell["source"] for cell in stored["cells"]] != [cell["source"] for cell in source["cells"]]:
            faults.append(f"{path.name}: is not what its script says; python tools/notebooks.py {name}")
        elif written(normalised(stored, source, smaller=False)) != text:
            faults.append(f"{path.name}: is not normalised; python tools/notebooks.py {name}")
        if len(text.encode()) > LARGEST:
            faults.append(f"{path.name}: {len(text.encode()):,} bytes; expected at most {LARGEST:,}")
        if any(output["output_type"] == "error" for cell in stored["cells"] for output in cell.get("outputs", [])):
            faults.append(f"{path.name}: holds an error")
    return faults


def main() -> int:
    """Make the notebooks, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="which; by default all")
    parser.add_argument("--check", action="store_true", help="write nothing, and end with 1 where something is wrong")
    options = parser.parse_args()
    if options.check:
        faults = problems()
        print("\n".join(faults) or f"{len(names())} notebooks are as they should be")  # noqa: T201
        return 1 if faults else 0
    for name in options.names or names():
        source = notebook_of(name)
        with tempfile.TemporaryDirectory() as folder:
            content = written(normalised(run(source, Path(folder)), source))
        (FOLDER / f"{name}.ipynb").write_text(content, "utf-8")
        print(f"{name}: {len(content.encode()):,} bytes")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
