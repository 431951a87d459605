"""A run folder → `README.md`: the model card in the format of the Hugging Face hub, a YAML head above Markdown.

Hubs read the head: the model's purpose, training data and results. Only what the run folder records is written; the
author and the licence have to be added by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.errors import counted
from digitlab.reports.facts import facts_of, numbers_of
from digitlab.reports.records import Record
from digitlab.storage import write_text
from digitlab.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from digitlab.runs import Run

__all__ = ["card_text", "write_card"]

_HUB_METRICS = {"accuracy": "accuracy", "loss": "log_loss", "f1_macro": "f1", "brier": "brier_score"}


def write_card(run: Run) -> None:
    """Write ``run``'s `README.md` from its other files.

    Raises:
        RunError: when it has no metrics or predictions, or a file is damaged.
        StorageError: when it cannot be written.
    """
    write_text(run.card, card_text(Record.read(run)))


def card_text(record: Record) -> str:
    """The card of a run."""
    import yaml

    head = yaml.safe_dump(_head(record), sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{head}---\n\n{_body(record)}"


def _head(record: Record) -> dict[str, Any]:
    config, metrics = record.config, record.metrics
    data = str(metrics["data"])
    learned = str(config.get("dataset", data))
    results = [
        {"type": _HUB_METRICS[key], "name": key.replace("_", " "), "value": round(float(metrics[key]), 6)}
        for key in _HUB_METRICS
        if isinstance(metrics.get(key), int | float)
    ]
    return {
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": ["digitlab", "handwritten-digits", "onnx", str(config.get("architecture", metrics["model"]))],
        "datasets": sorted({_named(learned), _named(data)}),
        "metrics": [each["type"] for each in results],
        "model-index": [
            {
                "name": record.name,
                "results": [
                    {
                        "task": {"type": "image-classification", "name": "Handwritten digit recognition"},
                        "dataset": {"type": _named(data), "name": _named(data), "split": str(metrics["split"])},
                        "metrics": results,
                    }
                ],
            }
        ],
    }


def _named(data: str) -> str:
    """The public name of a dataset: for a file its name only, without folders of this machine."""
    return data.replace("\\", "/").rsplit("/", 1)[-1] if data.startswith(("/", ".")) or ":\\" in data else data


def _body(record: Record) -> str:
    config, metrics = record.config, record.metrics
    form = "The model computes the Sobel images of the digits itself. " if _sobel(config) else ""
    sections = [
        f"# {_plain(record.name)}",
        f"A network that recognises the digit, 0 to 9, in an image of 28×28 pixels. {form}Trained and evaluated with "
        f"digitlab {VERSION}.",
        "## Use",
        "The input is uint8 (N, 28, 28), light ink on dark, 0 to 255; all preparation is inside the file. The output "
        "is float32 (N, 10), probabilities of the digits 0 to 9.",
        '```python\nfrom digitlab import load_model\n\nmodel = load_model("model.onnx")\n'
        "print(model.probabilities(images).argmax(axis=1))\n```",
        "`model.keras` is the same network, to be trained further; for photos: `digitlab read photo.jpg --model .`",
    ]
    if config:
        facts = [(name, _plain(text)) for name, text in facts_of(config, record.environment, [])]
        sections += ["## Training", _table(["", ""], facts)]
    sections += ["## Evaluation", _evaluated(metrics), _metrics_table(metrics), _limits()]
    return "\n\n".join(sections) + "\n"


def _sobel(config: Mapping[str, Any]) -> bool:
    return str(config.get("augmentation", "")).find("realtime") >= 0


def _evaluated(metrics: Mapping[str, Any]) -> str:
    return (
        f"{counted(metrics['images'], 'image')} of {_plain(_named(str(metrics['data'])))} ({_plain(metrics['split'])})."
    )


def _metrics_table(metrics: Mapping[str, Any]) -> str:
    rows = []
    for row in numbers_of(metrics):
        number, low, high = row["number"], row["low"], row["high"]
        interval = "" if low is None else f"{number.text(low)} to {number.text(high)}"
        rows.append((number.name, number.text(row["value"]), interval, _plain(number.meaning)))
    return _table(["metric", "value", "95 % confidence interval", "meaning"], rows)


def _limits() -> str:
    return (
        "## Limits\n\nThe numbers hold for images like those of the evaluation: one digit, centred, in a box of 20×20. "
        "An image that does not show a digit also gets ten probabilities."
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _plain(text: object) -> str:
    """Escape text for Markdown, so that nothing in it is markup, a table separator, or HTML."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#" else sign for sign in " ".join(str(text).split()))
