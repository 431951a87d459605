"""Checks of untrusted model files before Keras opens them.

Attacks on model files share one pattern: the file names a callable or a path, and the library calls or opens it. So the
checks are an allow list, not a block list: allowed words are listed (`words`), the description is rebuilt from the
parts that were understood (`configuration`), sizes are computed before anything is allocated (`sizes`), and everything
else is refused. Archives (`archive`) and HDF5 files (`hdf5`) are checked before.
"""

from __future__ import annotations

from digitlab.models.safety.hdf5 import open_hdf5
from digitlab.models.safety.keras_file import open_keras_file

__all__ = ["open_hdf5", "open_keras_file"]
