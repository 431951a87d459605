"""Pictures of a network and of its computation for a digit, in a folder; numbers for JSON."""

from __future__ import annotations

from digitlab.inspection.look.album import Album, open_album
from digitlab.inspection.look.digit import look_at_digit
from digitlab.inspection.look.network import look_at_network
from digitlab.inspection.look.whole_set import STEPS, Part, look_at_set

__all__ = ["STEPS", "Album", "Part", "look_at_digit", "look_at_network", "look_at_set", "open_album"]
