"""Generate the reference as Markdown pages: Python names from their docstrings, commands from their definitions."""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
from typing import TYPE_CHECKING, Any

import digitlab
from digitlab.apps.cli import make_app
from digitlab.apps.cli.verbs import HEADINGS

if TYPE_CHECKING:
    import cyclopts

__all__ = ["api_page", "cli_page", "markdown_of"]

_GROUPS = {
    "Read": ("Reader", "Reading", "ReadDigit", "Prediction", "Frame"),
    "Train": ("train", "TrainingConfig", "resume", "cross_validate", "lr_range_test", "transfer", "Transfer", "tune",
              "run_study", "list_studies", "DigitClassifier", "EpochEnded", "StopRequest"),
    "Measure": ("evaluate", "robustness", "compare", "label_errors", "list_runs", "report"),
    "Look inside": ("inspect", "diagnose"),
    "Forms": ("example_form", "new_form", "read_sheets", "review_sheets", "correct_sheets", "promise_sheets",
              "compare_sheets"),
    "Data, models, runs": ("load_dataset", "check_data", "convert_dataset", "classify_data", "Digits", "load_model",
                           "export", "import_model", "ensemble", "load_run", "Run"),
    "Errors": ("DigitlabError",),
}  # fmt: skip
_SECTION = re.compile(r"^(Args|Raises|Returns|Yields):$")
_FIELD = re.compile(r"^([*\w…]+(?:, [*\w…]+)*): (.+)$")  # "images: uint8 (N, 28, 28)", as dataclasses describe fields


def api_page() -> str:
    """Describe all names in `digitlab`, grouped."""
    listed = [name for names in _GROUPS.values() for name in names]
    missing = set(digitlab.__all__) - set(listed)
    groups = {**_GROUPS, **({"Others": tuple(sorted(missing))} if missing else {})}
    parts = [
        "# Python's names",
        "Everything here is imported from `digitlab`, and loaded when it is first used. How functions show their "
        "progress, and how values show themselves: [from Python](docs/python.md).",
    ]
    for heading, names in groups.items():
        parts.append(f"## {heading}")
        for name in names:
            parts += _entry(name, getattr(digitlab, name))
    return "\n\n".join(parts) + "\n"


def _entry(name: str, offered: Any) -> list[str]:
    parts = [f"### {name}", _signature(name, offered), markdown_of(inspect.getdoc(offered) or "")]
    if inspect.isclass(offered) and not issubclass(offered, Exception):
        members = [(each, member) for each, member in vars(offered).items() if not each.startswith("_")]
        for base in offered.__mro__[1:]:
            if base.__module__.startswith("digitlab.") and base.__name__ not in ("Shown", "Drawn", "Tabular"):
                members += [pair for pair in vars(base).items() if not pair[0].startswith("_")]
        shown: set[str] = set()
        for each, member in members:
            function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if each in shown or not inspect.isfunction(function) or not function.__doc__:
                continue
            shown.add(each)
            about = f"`{each}`" if isinstance(member, property) else f"`{each}{_arguments(function, drop_self=True)}`"
            parts.append(f"#### {name}.{each}\n\n{about}\n\n{markdown_of(inspect.getdoc(function) or '')}")
    return parts


def _signature(name: str, offered: Any) -> str:
    if inspect.isclass(offered) and (issubclass(offered, Exception) or name == "Reading"):
        return f"```text\n{name}\n```"
    text = f"{name}{_arguments(offered)}"
    if len(text) > 100:
        inside = text[len(name) + 1 : text.rindex(")")]
        arguments = re.split(r", (?![^\[(]*[\])])", inside)
        text = f"{name}(\n" + "".join(f"    {each},\n" for each in arguments) + text[text.rindex(")") :]
    return f"```text\n{text}\n```"


def _arguments(function: Any, *, drop_self: bool = False) -> str:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return "(…)"
    parameters = [
        each.replace(annotation=each.empty, default=_plain(each.default))
        for each in signature.parameters.values()
        if not (drop_self and each.name in ("self", "cls"))
    ]
    return str(signature.replace(parameters=parameters, return_annotation=signature.empty))


class _Written:
    """A default value that is displayed as a given text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _plain(default: Any) -> Any:
    if default is inspect.Parameter.empty or isinstance(default, str | int | float | tuple | None):
        return default
    return _Written(
        f"{type(default).__name__}(…)" if dataclasses.is_dataclass(default) else f"<{type(default).__name__}>"
    )


def markdown_of(docstring: str) -> str:
    """Convert one of our docstrings to Markdown: sections and described fields become lists, examples become code."""
    blocks: list[str] = []
    for part in re.split(r"\n\s*\n", docstring.strip()):
        lines = part.splitlines()
        if _SECTION.match(lines[0]):
            blocks.append(f"**{lines[0][:-1]}**")
            lines = textwrap.dedent("\n".join(lines[1:])).splitlines()
        block = "\n".join(lines)
        if not lines:
            continue
        if lines[0].lstrip().startswith((">>>", "...")):
            blocks.append("```pycon\n" + textwrap.dedent(block) + "\n```")
        elif all(line.startswith("    ") for line in lines):
            blocks.append("```text\n" + textwrap.dedent(block) + "\n```")
        elif _FIELD.match(lines[0]):
            blocks.append(_list_of(lines))
        else:
            blocks.append(_inline(" ".join(line.strip() for line in lines)))
    return "\n\n".join(blocks)


def _list_of(lines: list[str]) -> str:
    """Format described names, each with its continuation lines, as a list."""
    items: list[str] = []
    for line in lines:
        match = None if line.startswith(" ") else _FIELD.match(line)
        if match:
            items.append(f"- **{_inline(match[1])}**: {_inline(match[2])}")
        elif items:
            items[-1] += f" {_inline(line.strip())}"
        else:
            items.append(_inline(line.strip()))
    return "\n".join(items)


def _inline(text: str) -> str:
    """Convert to Markdown: double backticks become single ones, i.e. code; outside them, special signs are escaped."""
    text = text.replace("``", "`")
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_<>\[\]|])", r"\\\1", part) for part in parts)


def cli_page() -> str:
    """Describe all commands, under the headings of the help."""
    parts = [
        "# Commands",
        'Results go to stdout, progress and advice to stderr. Exit codes: 0 done, 1 the answer is "no", 2 wrong use or '
        "bad input. Every command has `--help`.",
    ]
    for heading, verbs in HEADINGS.items():
        parts.append(f"## {heading}")
        for verb in verbs:
            parts += _command(make_app(verb)[verb], f"digitlab {verb}")
    return "\n\n".join(parts) + "\n"


def _command(app: cyclopts.App, words: str, level: int = 3) -> list[str]:
    parts = [f"{'#' * level} {words}"]
    if app.default_command is None:
        parts.append(_inline(" ".join((app.help or "").split())))
        for name in app:
            if not name.startswith("-"):
                parts += _command(app[name], f"{words} {name}", level + 1)
        return parts
    docstring = inspect.getdoc(app.default_command) or ""
    docstring = re.split(r"^Args:$", docstring, flags=re.MULTILINE)[0]
    before, _, examples = docstring.partition("For example:\n")
    parts.append(markdown_of(before))
    if examples.strip():
        parts.append("```sh\n" + textwrap.dedent(examples).strip() + "\n```")
    rows = ["| | default | |", "|---|---|---|"]
    for argument in app.assemble_argument_collection():
        names = [name for name in argument.names if not name.startswith("--no-")]
        default = argument.field_info.default
        usual = "" if default in (None, inspect.Parameter.empty, (), []) else f"`{default}`"
        about = " ".join(str(argument.parameter.help or "").split())
        rows.append(f"| {', '.join(f'`{name}`' for name in names)} | {usual} | {_inline(about)} |")
    return [*parts, "\n".join(rows)]
