"""What a server says of a part that it lacks: what, and not where its files lie."""

from __future__ import annotations

from pathlib import Path

import digitlab
from digitlab.apps.web.problems import problem_of
from digitlab.errors import MissingExtraError


def test_a_missing_extra_is_named_without_the_servers_folders() -> None:
    problem = problem_of(MissingExtraError("train", needed_for="training"))
    assert (problem.status, problem.word) == (503, "missing-part")
    assert 'needs the extra "train"' in problem.detail
    assert str(Path(digitlab.__file__).parents[2]) not in problem.detail
    assert "pip install" not in problem.detail
