"""Numbers: find the entry of a list or the value that passes a check, and assign a list to a batch one-to-one."""

from __future__ import annotations

from digitlab.reading.numbers.assignment import one_to_one
from digitlab.reading.numbers.checks import Check, Settled, check_of, settle
from digitlab.reading.numbers.lists import NumberList, nearest, number_list
from digitlab.reading.numbers.matching import assigned
from digitlab.reading.numbers.sums import settle_sum

__all__ = [
    "Check", "NumberList", "Settled", "assigned", "check_of", "nearest",
    "number_list", "one_to_one", "settle", "settle_sum",
]  # fmt: skip
