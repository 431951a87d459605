"""`digitlab --install-completion`: a shell completes verbs and options by a script that is made from them, once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.apps.cli.console import advise, say
from digitlab.errors import UsageError
from digitlab.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import cyclopts

__all__ = ["OPTION", "SHELLS", "install_completion"]

OPTION = "--install-completion"
# Shell → the file that it reads, in the home folder; zsh is told of the folder in its start file.
SHELLS = {
    "bash": Path(".local", "share", "bash-completion", "completions", "digitlab"),
    "zsh": Path(".zsh", "completions", "_digitlab"),
    "fish": Path(".config", "fish", "completions", "digitlab.fish"),
}
_ZSH = "fpath=(~/.zsh/completions $fpath); autoload -Uz compinit; compinit"


def install_completion(app: cyclopts.App, words: Sequence[str]) -> int:
    """Write the script for the shell that is named, or for that of this terminal.

    Raises:
        UsageError: for another shell, or where none is known.
        StorageError: when the script cannot be written.
    """
    given = words[0] if len(words) == 1 else Path(os.environ.get("SHELL", "")).name if not words else " ".join(words)
    if given not in SHELLS:
        raise UsageError(f"{OPTION}: the shell is {given!r}; expected one of {', '.join(SHELLS)}, e.g. {OPTION} bash")
    path = Path.home() / SHELLS[given]
    script = app.generate_completion(prog_name="digitlab", shell=given)  # type: ignore[arg-type]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, script)
    say(str(path))
    match given:
        case "bash":
            advise(
                "open a new shell; completion needs the package bash-completion, or a line in ~/.bashrc: . " + str(path)
            )
        case "zsh":
            advise(f"add this line to ~/.zshrc, where it is not there, and open a new shell: {_ZSH}")
        case _:
            advise("open a new shell")
    advise(f"it knows what this version has: say {OPTION} again after an update")
    return 0
