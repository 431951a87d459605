"""Command-line options, generated from the settings that a dataclass or a job declares."""

from __future__ import annotations

import contextlib
import functools
import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from digitlab.apps.cli.console import mention
from digitlab.errors import UsageError
from digitlab.settings import RENAMED_OPTIONS, argument_texts, hints_of, settings_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cyclopts import Token

    from digitlab.settings import Setting

__all__ = ["options_of", "whole_number", "with_current_names"]


def options_of(
    *declaring: type | Callable[..., Any], leave_out: Sequence[str] = ()
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Decorate a command whose last parameter, ``**options``, takes the settings of dataclasses and jobs as options.

    Without any declaration the command has only its own options. A job's positional parameter is positional on the
    command line, too. A setting that only a later job requires, not the first, is optional: the first may be the one
    that runs. The command receives only the options that were given, parsed and checked.

    leave_out: settings of the jobs that the command determines itself, e.g. the one dataset of many files
    """
    settings: dict[str, Setting] = {}
    for source in declaring:
        for setting in settings_in(source):
            if setting.name not in leave_out:
                optional = setting if source is declaring[0] else replace(setting, required=False)
                settings.setdefault(setting.name, optional)

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        own = [each for each in inspect.signature(command).parameters.values() if each.kind is not each.VAR_KEYWORD]
        parameters = [_parameter(each) for each in settings.values()]
        parameters += [_own(each, command) for each in own if each.name not in settings]
        signature = inspect.Signature(sorted(parameters, key=lambda each: each.kind))  # positional parameters first
        variadic = next((each.name for each in parameters if each.kind is each.VAR_POSITIONAL), "")

        @functools.wraps(command)
        def wrapper(*args: Any, **kwargs: Any) -> int:
            values = signature.bind(*args, **kwargs).arguments
            for name in values.keys() & settings.keys():
                if (of_text := settings[name].of_text) is not None and values[name] is not None:
                    values[name] = of_text(values[name])
                settings[name].check(values[name])
            first = [values.pop(each.name) for each in own if each.kind is each.POSITIONAL_ONLY]
            return command(*first, *values.pop(variadic, ()), **values)

        # For the test that compares them with the command's options.
        wrapper.declaring, wrapper.left_out = declaring, leave_out  # type: ignore[attr-defined]
        wrapper.__signature__ = signature  # type: ignore[attr-defined]
        wrapper.__doc__ = _in_paragraphs(inspect.getdoc(command) or "")
        wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
        return wrapper

    return decorate


def _own(parameter: inspect.Parameter, command: Callable[..., int]) -> inspect.Parameter:
    """Annotate one of the command's own parameters with its description from the docstring."""
    kind = hints_of(command)[parameter.name]
    text = argument_texts(command).get(parameter.name)
    return parameter.replace(annotation=Annotated[kind, Parameter(help=text, converter=_converter(kind))])


def _converter(kind: Any) -> Callable[[Any, Sequence[Token]], int] | None:
    return whole_number if kind in (int, int | None) else None


def whole_number(_: Any, tokens: Sequence[Token]) -> int:
    """Convert to int; Cyclopts itself would round 1.5 to 2."""
    text = tokens[0].value
    with contextlib.suppress(ValueError):
        return int(text)
    with contextlib.suppress(ValueError):
        if (number := float(text)).is_integer():  # 30.0, 1e3
            return int(number)
    raise UsageError(f"{tokens[0].keyword} is {text!r}; expected a whole number")


def _in_paragraphs(text: str) -> str:
    """Join a docstring's lines to paragraphs, which the terminal wraps; examples keep their lines, Args are dropped."""
    paragraphs = text.partition("\nArgs:\n")[0].strip().split("\n\n")
    return "\n\n".join(paragraph if ":\n" in paragraph else " ".join(paragraph.split("\n")) for paragraph in paragraphs)


def _parameter(declared: Setting) -> inspect.Parameter:
    # Any string is accepted where there are choices, and the job's own check names them; shells complete the Literal.
    as_text = declared.of_text is not None or declared.choices
    typed = Literal[declared.choices] | str if declared.choices and declared.typed is str else declared.typed
    annotation = (replace(declared, kind=typed) if as_text else declared).annotation
    text = f"{declared.help} [{declared.allowed}]" if declared.allowed else declared.help
    display: dict[str, Any] = {"help": text, "show_choices": False, "metavar": "STR" if declared.choices else None}
    display["converter"] = _converter(annotation)
    parameter = Parameter(**display)
    if declared.parameter_kind is inspect.Parameter.KEYWORD_ONLY:
        negative = None if declared.default else ()  # a switch that is off by default has no --no-…
        shown = ", ".join if isinstance(declared.default, tuple) else None
        names = (declared.flag, *declared.spellings)
        parameter = Parameter(name=names, negative=negative, show_default=shown, **display)
    default = inspect.Parameter.empty if declared.required else declared.default
    return inspect.Parameter(
        declared.name, declared.parameter_kind, default=default, annotation=Annotated[annotation, parameter]
    )


def with_current_names(arguments: Sequence[str]) -> list[str]:
    """Replace renamed options of a command line by their current names, with a note on stderr for each."""
    renamed = RENAMED_OPTIONS.get(arguments[0], {}) if arguments else {}
    current = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name in renamed:
            mention(f"{name} is now called {renamed[name]}")
            name = renamed[name]
        current.append(name + equals + value)
    return current
