"""RapidOCR for `digitlab.bench.peers`, over pipes; runs in any Python that has it, so it does not import digitlab.

In: a line of JSON, {"kind": "single" or "page", "shape": [height, width, 3]}, then the bytes of that RGB picture.
Out: a line of JSON, {"text", "ms"}; at the start, {"version", "megabytes"}.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer requests until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # redirect the library's prints
    import cv2
    import numpy as np
    import rapidocr

    cv2.setNumThreads(1)
    one_thread = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}
    reader = rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            **{f"EngineConfig.onnxruntime.{name}": count for name, count in one_thread.items()},
        }
    )
    models = Path(rapidocr.__file__).parent.rglob("*.onnx")
    about = {
        "version": importlib.metadata.version("rapidocr"),
        "megabytes": sum(path.stat().st_size for path in models) / 1e6,
    }
    print(json.dumps(about), file=answers, flush=True)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        height, width, _ = request["shape"]
        pixels = np.frombuffer(sys.stdin.buffer.read(height * width * 3), np.uint8).reshape(height, width, 3)
        picture = np.ascontiguousarray(pixels[..., ::-1])
        start = time.perf_counter()
        try:
            text = _single(reader, picture) if request["kind"] == "single" else _page(reader, picture)
        except Exception:  # noqa: BLE001 - a picture that raises counts as not read
            text = ""
        print(json.dumps({"text": text, "ms": (time.perf_counter() - start) * 1000}), file=answers, flush=True)


def _single(reader: Any, picture: Any) -> str:
    """Recognise without detection: the picture is one digit, or none."""
    return _digits("".join(reader(picture, use_det=False, use_cls=False).txts or ()))


def _page(reader: Any, picture: Any) -> str:
    """Group the boxes into lines: a box whose centre is above the bottom of a line belongs to it."""
    detected = reader(picture, use_det=True, use_cls=True, use_rec=True)  # explicit: it keeps the last call's options
    if detected.boxes is None:
        return ""
    spans = [(float(box[:, 1].min()), float(box[:, 1].max()), float(box[:, 0].min())) for box in detected.boxes]
    lines: list[list[tuple[float, str]]] = []
    bottom = -1.0
    for (top, low, left), text in sorted(zip(spans, detected.txts, strict=True)):
        if (top + low) / 2 > bottom:
            lines.append([])
            bottom = low
        lines[-1].append((left, _digits(text)))
    return "|".join(filter(None, ("".join(text for _, text in sorted(line)) for line in lines)))


def _digits(text: str) -> str:
    return "".join(character for character in text if character in "0123456789")


if __name__ == "__main__":
    main()
