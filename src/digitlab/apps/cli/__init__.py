"""The command `digitlab`: one module per verb, imported only when that verb is used."""

from __future__ import annotations

import errno
import importlib
import itertools
import os
import sys
from typing import TYPE_CHECKING

from digitlab.apps.cli.verbs import HEADINGS, VERBS, no_such_verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    import cyclopts

__all__ = ["main", "make_app"]

_FIRST_STEPS = """\
First steps:
  digitlab read photo.jpg                 digits in a picture
  digitlab train --epochs 3               train a small network on MNIST
  digitlab evaluate runs/…                measure it again
  digitlab data show mnist --out grid.png
  digitlab --install-completion           for bash, zsh or fish
"""


def make_app(verb: str | None = None) -> cyclopts.App:
    """Build the command with its verbs; if `verb` is one of them, only its module is imported."""
    import cyclopts

    from digitlab.version import VERSION

    app = cyclopts.App(
        "digitlab",
        help="Handwritten digits, from the first epoch to the live camera.",
        help_epilogue=_FIRST_STEPS,
        help_format="plaintext",
        version=VERSION,
        default_parameter=cyclopts.Parameter(negative_iterable=()),
        result_action="return_value",
    )
    for position, (heading, verbs) in enumerate(HEADINGS.items()):
        group = cyclopts.Group(heading, sort_key=position)
        for rank, (name, location) in enumerate(verbs.items()):
            module, _, function = f"digitlab.apps.cli.{location}".partition(":")
            if verb in VERBS and verb != name:
                app.command(f"{module}:{function}", name=name)
                continue
            target = getattr(importlib.import_module(module), function)
            if isinstance(target, cyclopts.App):
                target.group, target.sort_key = group, rank
                app.command(target, name=name)
            else:
                app.command(target, name=name, group=group, sort_key=rank, help_epilogue="")
    app.command("digitlab.apps.cli.completion:install_completion", name="--install-completion")
    options = cyclopts.Group("Options", sort_key=len(HEADINGS))
    if verb not in VERBS:
        app["--install-completion"].group = options
    app["--help"].group = app["--version"].group = options
    return app


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; return the exit code: 0 success, 1 the answer is "no", 2 wrong use or bad input."""
    from cyclopts import CycloptsError

    from digitlab.apps.cli.console import complain
    from digitlab.apps.cli.options import with_current_names
    from digitlab.errors import DigitlabError, naming_the_extra

    arguments = with_current_names(_with_standard_input(sys.argv[1:] if arguments is None else arguments))
    before = _before_empty(arguments)
    if before is not None:  # as a path, it would be the current folder
        complain(f'after {before} is an empty argument (""); expected a value: is a variable of the shell not set?')
        return 2
    if arguments and arguments[0] not in VERBS and not arguments[0].startswith("-"):
        complain(f"{no_such_verb(*arguments[:2])} (see digitlab --help)")
        return 2
    try:
        with naming_the_extra(f"`digitlab {' '.join(arguments[:1])}`"):
            result = make_app(arguments[0] if arguments else None)(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        where = " ".join(("digitlab", *(error.command_chain or ()), "--help"))
        file = next((each for each in arguments if each.startswith("-") and os.path.lexists(each)), None)
        advice = f"see {where}" if file is None else f"a file that is called so: ./{file}"
        complain(f"{_problem(error)} ({advice})")
        return 2
    except DigitlabError as error:
        complain(str(error))
        return error.exit_code
    return result if isinstance(result, int) else 0


def _before_empty(arguments: Sequence[str]) -> str | None:
    """Return the word before the first empty argument, or the option whose value is empty; None if there is none.

    >>> _before_empty(["read", ""]), _before_empty([""]), _before_empty(["read", "--csv="]), _before_empty(["runs"])
    ('read', 'digitlab', '--csv', None)
    """
    for before, argument in itertools.pairwise(("digitlab", *arguments)):
        if not argument:
            return before
        if argument.startswith("--") and argument.endswith("="):
            return argument[:-1]
    return None


def _problem(error: cyclopts.CycloptsError) -> str:
    """Return what is wrong; of an argument that is missing the parser says that it "requires an argument"."""
    from cyclopts import MissingArgumentError

    if type(error) is MissingArgumentError and error.keyword is None and not error.unused_tokens:
        argument = error.argument
        if argument is not None and not argument.tokens:
            return f"{argument.name} is missing"
    return str(error).strip()


def _with_standard_input(arguments: Sequence[str]) -> list[str]:
    """Write a lone "-" as the path "./-", since the parser takes "-" for an option without a name."""
    reads = list(arguments[:1]) in (["classify"], ["read"])
    return ["./-" if reads and argument == "-" else argument for argument in arguments]


def main() -> None:
    """The entry point of the installed command."""
    import warnings

    from digitlab import privacy
    from digitlab.apps.cli.console import advise, mention, write_all_signs

    write_all_signs()
    privacy.keep_folders()
    warnings.showwarning = lambda message, *_, **__: mention(str(message))
    try:
        code = run()
        sys.stdout.flush()  # not at the interpreter's end, which has no message for a full disk
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        full = error.errno == errno.ENOSPC and error.filename is None
        if not full and not isinstance(error, BrokenPipeError):
            raise
        code = 2 if full else 141  # or the program that reads our output has ended, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if full:
            advise("digitlab: the output cannot be written: no space is left on the device")
    sys.exit(code)
