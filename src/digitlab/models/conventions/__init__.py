"""Models of other frameworks: the convention of a foreign network is found by trying, and put inside its file.

`convention` has one way to feed a network and to read its answers, and all that are tried; `search` tries them on known
digits; `onnx_files`, `keras_files` and `converted` open what people bring; `wrapping` makes an ONNX file of ours of it;
`keras_network` one of Keras, `translation` puts ONNX into layers of Keras; `importing` is the way in, `opening` the one
that every verb takes.
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
