"""Old models: HDF5 files of Keras 1, Keras 2 and TF-Keras, from any backend of their time.

`importing` is the way in. A file's text becomes plain steps of today's layers (`translation`, `steps`), its arrays are
turned and reordered (`kernels`), and a new network is built of both (`network`). Keras never sees the old description.
"""

from __future__ import annotations

from digitlab.models.legacy.importing import Imported, import_legacy

__all__ = ["Imported", "import_legacy"]
