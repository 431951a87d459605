"""matplotlib's first import, which says nothing of a home that cannot be written: it works from a temporary folder."""

from __future__ import annotations

import logging

_LOG = logging.getLogger("matplotlib")
_before = _LOG.level
_LOG.setLevel(logging.ERROR)
try:
    import matplotlib as mpl

    mpl.get_configdir()  # each looks for its folder once, and warns where there is none
    mpl.get_cachedir()
finally:
    _LOG.setLevel(_before)
