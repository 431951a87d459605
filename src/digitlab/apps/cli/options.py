"""The options of a command, made of the settings that a dataclass declares."""

from __future__ import annotations

import functools
import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from digitlab.apps.cli.console import advise
from digitlab.settings import RENAMED_OPTIONS, settings_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from digitlab.settings import Setting

__all__ = ["options_of", "with_current_names"]


def options_of(declaring: type) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """A command whose last parameter, ``**settings``, takes the settings of a dataclass, each as an option.

    The command gets those that were given, as values and not as texts.
    """
    declared = settings_in(declaring)

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(command)
        def told(*arguments: Any, **given: Any) -> int:
            for each in declared:
                if each.of_text is not None and given.get(each.name) is not None:
                    given[each.name] = each.of_text(given[each.name])
            return command(*arguments, **given)

        told.declaring = declaring  # type: ignore[attr-defined]  # for the test that compares
        signature = inspect.signature(command)
        own = list(signature.parameters.values())[:-1]
        before = [each for each in own if each.kind is not inspect.Parameter.KEYWORD_ONLY]
        options = [_option(each) for each in declared]
        told.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*before, *options, *(each for each in own if each not in before)]
        )
        return told

    return decorate


def _option(declared: Setting) -> inspect.Parameter:
    # Of several words any is taken, and the command's own check names those that there are.
    as_text = declared.of_text is not None or declared.choices
    typed = replace(declared, kind=declared.typed) if as_text else declared
    about = Parameter(
        name=(declared.flag, *declared.spellings),
        help=f"{declared.help} [{declared.allowed}]" if declared.allowed else declared.help,
        negative=None if declared.default else (),  # a switch that is off anyway has no --no-…
    )
    return inspect.Parameter(
        declared.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=declared.default,
        annotation=Annotated[typed.annotation, about],
    )


def with_current_names(arguments: Sequence[str]) -> list[str]:
    """A command line with the old names of its verb's options made new; a line on stderr says so for each."""
    renamed = RENAMED_OPTIONS.get(arguments[0], {}) if arguments else {}
    current = []
    for each in arguments:
        name, equals, value = each.partition("=")
        if name in renamed:
            advise(f"digitlab: note: {name} is now called {renamed[name]}")
            name = renamed[name]
        current.append(name + equals + value)
    return current
