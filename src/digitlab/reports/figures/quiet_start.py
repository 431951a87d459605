"""Silences matplotlib's warning about an unwritable home folder; it then uses a temporary folder."""

from __future__ import annotations

import logging

_LOG = logging.getLogger("matplotlib")
_before = _LOG.level
_LOG.setLevel(logging.ERROR)
try:
    import matplotlib as mpl

    mpl.get_configdir()  # each looks up its folder once, and warns where there is none
    mpl.get_cachedir()
finally:
    _LOG.setLevel(_before)
