"""`digitlab --install-completion`: install a script, generated once, by which a shell completes verbs and options."""

from __future__ import annotations

import os
from pathlib import Path

from digitlab.apps.cli.console import advise, say
from digitlab.errors import UsageError
from digitlab.storage import write_text

__all__ = ["OPTION", "SHELLS", "ZSH_LINE", "install_completion"]

OPTION = "--install-completion"
# Shell → the completion file that it reads, in the home folder; zsh needs the folder named in its startup file.
SHELLS = {
    "bash": Path(".local", "share", "bash-completion", "completions", "digitlab"),
    "zsh": Path(".zsh", "completions", "_digitlab"),
    "fish": Path(".config", "fish", "completions", "digitlab.fish"),
}
ZSH_LINE = "fpath=(~/.zsh/completions $fpath); autoload -Uz compinit; compinit"


def install_completion(shell: str | None = None, /) -> int:
    """Let the shell complete verbs and options.

    For example:
    digitlab --install-completion
    digitlab --install-completion zsh

    Args:
        shell: bash, zsh or fish; default: the shell of this terminal.
    """
    from digitlab.apps.cli import make_app

    given = shell or Path(os.environ.get("SHELL", "")).name
    if given not in SHELLS:
        raise UsageError(f"{OPTION}: the shell is {given!r}; expected one of {', '.join(SHELLS)}, e.g. {OPTION} bash")
    path = Path.home() / SHELLS[given]
    script = make_app().generate_completion(prog_name="digitlab", shell=given)  # type: ignore[arg-type]
    if given == "zsh":  # zsh runs the file at the first Tab, but cyclopts's script only defines the function
        script += '\n_cyclopts_digitlab "$@"\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, script)
    say(str(path))
    match given:
        case "bash":
            advise(
                "open a new shell; completion needs the package bash-completion, or a line in ~/.bashrc: . " + str(path)
            )
        case "zsh":
            advise(f"add this line to ~/.zshrc, where it is not there, and open a new shell: {ZSH_LINE}")
        case _:
            advise("open a new shell")
    advise(f"it knows what this version has: say {OPTION} again after an update")
    return 0
