"""Import of old models: HDF5 files of Keras 1, Keras 2 and TF-Keras, from Theano or TensorFlow.

`importing` is the entry point. The description becomes a list of Keras 3 layers (`translation`, `steps`), the arrays
are rotated and reordered (`kernels`), and a new network is built from both (`network`). Keras never sees the old
description.
"""

from __future__ import annotations

from digitlab.models.legacy.importing import import_legacy

__all__ = ["import_legacy"]
