"""Model files of strangers: what is looked at before Keras sees a byte of them.

The attacks on model files have one pattern: the file names a callable or a path, and the library calls or opens it. So
nothing here looks for bad words. What a file may say is listed (`words`), its description is built again out of what
was understood (`configuration`), its sizes are computed before any is allocated (`sizes`), and whatever is left over is
a refusal. Archives (`archive`) and HDF5 files (`hdf5`) are measured first.
"""

from __future__ import annotations

from digitlab.models.safety.hdf5 import Store, open_hdf5
from digitlab.models.safety.keras_file import check_keras_file, open_keras_file
from digitlab.models.safety.sizes import Budget

__all__ = ["Budget", "Store", "check_keras_file", "open_hdf5", "open_keras_file"]
