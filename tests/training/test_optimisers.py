from __future__ import annotations

import pytest

from digitlab.errors import UsageError
from digitlab.training.optimisers import OPTIMISERS, make_optimiser

pytestmark = pytest.mark.xdist_group("keras")


def test_epsilon_is_the_optimisers_own_unless_given() -> None:
    plain = make_optimiser("adadelta", learning_rate=None, schedule="constant", steps=1)
    assert plain.epsilon == 1e-8, "S0's"
    given = make_optimiser("adadelta", learning_rate=None, schedule="constant", steps=1, epsilon=1e-7)
    assert given.epsilon == 1e-7
    assert OPTIMISERS["adadelta"][2]["epsilon"] == 1e-8, "the table is left alone"


def test_what_divides_by_nothing_has_no_epsilon() -> None:
    with pytest.raises(UsageError, match="sgd has no epsilon"):
        make_optimiser("sgd", learning_rate=0.1, schedule="constant", steps=1, epsilon=1e-7)
