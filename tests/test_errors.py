from __future__ import annotations

import inspect

import digitlab
from digitlab import errors


def test_every_error_is_in_the_tree_and_in_its_drawing() -> None:
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        assert issubclass(kind, errors.DigitlabError)
        assert name in errors.__all__
        assert name in (errors.__doc__ or "")
        assert kind.exit_code == 2


def test_the_exported_names_are_there() -> None:
    for name in digitlab.__all__:
        assert getattr(digitlab, name).__name__ == name
    assert not hasattr(digitlab, "no_such_name")
