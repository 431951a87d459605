"""Command-line options, generated from the settings that a dataclass or a job declares."""

from __future__ import annotations

import functools
import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from digitlab.apps.cli.console import advise
from digitlab.settings import RENAMED_OPTIONS, argument_texts, hints_of, settings_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from digitlab.settings import Setting

__all__ = ["options_of", "with_current_names"]


def options_of(
    *declaring: type | Callable[..., Any], leave_out: Sequence[str] = ()
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Decorate a command whose last parameter, ``**given``, takes the settings of dataclasses and jobs as options.

    Without any declaration the command has only its own options. A job's positional parameter is positional on the
    command line, too. A setting that only a later job requires, not the first, is optional: the first may be the one
    that runs. The command receives only the options that were given, parsed and checked.

    leave_out: settings of the jobs that the command determines itself, e.g. the one dataset of many files
    """
    settings: dict[str, Setting] = {}
    for source in declaring:
        for each in (found for found in settings_in(source) if found.name not in leave_out):
            settings.setdefault(each.name, each if source is declaring[0] else replace(each, required=False))

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        own = [each for each in inspect.signature(command).parameters.values() if each.kind is not each.VAR_KEYWORD]
        made = [_parameter(each) for each in settings.values()]
        made += [_own(each, command) for each in own if each.name not in settings]
        signature = inspect.Signature(sorted(made, key=lambda each: each.kind))  # positional parameters first
        many = next((each.name for each in made if each.kind is each.VAR_POSITIONAL), "")

        @functools.wraps(command)
        def told(*arguments: Any, **options: Any) -> int:
            given = signature.bind(*arguments, **options).arguments
            for name in given.keys() & settings.keys():
                if (of_text := settings[name].of_text) is not None and given[name] is not None:
                    given[name] = of_text(given[name])
                settings[name].check(given[name])
            return command(*given.pop(many, ()), **given)

        told.declaring, told.left_out = declaring, leave_out  # type: ignore[attr-defined]  # for the test that compares
        told.__signature__ = signature  # type: ignore[attr-defined]
        told.__doc__ = _in_paragraphs(inspect.getdoc(command) or "")
        told.__annotations__ = {each.name: each.annotation for each in made}
        return told

    return decorate


def _own(parameter: inspect.Parameter, command: Callable[..., int]) -> inspect.Parameter:
    """Annotate one of the command's own parameters with its description from the docstring."""
    kind = hints_of(command)[parameter.name]
    text = argument_texts(command).get(parameter.name)
    return parameter.replace(annotation=kind if text is None else Annotated[kind, Parameter(help=text)])


def _in_paragraphs(text: str) -> str:
    """Join a docstring's lines to paragraphs, which the terminal wraps; examples keep their lines, Args are dropped."""
    paragraphs = text.partition("\nArgs:\n")[0].strip().split("\n\n")
    return "\n\n".join(each if ":\n" in each else " ".join(each.split("\n")) for each in paragraphs)


def _parameter(declared: Setting) -> inspect.Parameter:
    # Any string is accepted where there are choices, and the job's own check names them; shells complete the Literal.
    as_text = declared.of_text is not None or declared.choices
    typed = Literal[declared.choices] | str if declared.choices and declared.typed is str else declared.typed
    annotation = (replace(declared, kind=typed) if as_text else declared).annotation
    text = f"{declared.help} [{declared.allowed}]" if declared.allowed else declared.help
    look: dict[str, Any] = {"help": text, "show_choices": False, "metavar": "STR" if declared.choices else None}
    about = Parameter(**look)
    if declared.place is inspect.Parameter.KEYWORD_ONLY:
        negative = None if declared.default else ()  # a switch that is off by default has no --no-…
        shown = ", ".join if isinstance(declared.default, tuple) else None
        names = (declared.flag, *declared.spellings)
        about = Parameter(name=names, negative=negative, show_default=shown, **look)
    default = inspect.Parameter.empty if declared.required else declared.default
    return inspect.Parameter(declared.name, declared.place, default=default, annotation=Annotated[annotation, about])


def with_current_names(arguments: Sequence[str]) -> list[str]:
    """Replace renamed options of a command line by their current names, with a note on stderr for each."""
    renamed = RENAMED_OPTIONS.get(arguments[0], {}) if arguments else {}
    current = []
    for each in arguments:
        name, equals, value = each.partition("=")
        if name in renamed:
            advise(f"digitlab: note: {name} is now called {renamed[name]}")
            name = renamed[name]
        current.append(name + equals + value)
    return current
