"""Models of other frameworks: the convention of a foreign network is found by trial and built into the converted file.

`convention` defines one way to feed a network and interpret its outputs, and lists all candidates; `search` tries them
on known digits; `onnx_files`, `keras_files` and `converted` open foreign files; `wrapping` makes an ONNX file of ours
from them, `keras_network` a Keras network; `translation` turns ONNX into Keras layers; `importing` is the entry point,
`opening` the one that every command uses.
"""

from __future__ import annotations

from digitlab.models.conventions.convention import Convention, Form
from digitlab.models.conventions.importing import import_model
from digitlab.models.conventions.opening import own_keras, own_onnx
from digitlab.models.conventions.search import find_convention

__all__ = [
    "Convention",
    "Form",
    "find_convention",
    "import_model",
    "own_keras",
    "own_onnx",
]
