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

    name = shell or Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise UsageError(f"{OPTION}: the shell is {name!r}; expected one of {', '.join(SHELLS)}, e.g. {OPTION} bash")
    path = Path.home() / SHELLS[name]
    script = make_app().generate_completion(prog_name="digitlab", shell=name)  # type: ignore[arg-type]
    if name == "zsh":  # zsh runs the file at the first Tab, but cyclopts's script only defines the function
        script += '\n_cyclopts_digitlab "$@"\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, script)
    say(str(path))
    match name:
        case "bash":
            advise(
                "open a new shell; completion needs the package bash-completion, or a line in ~/.bashrc: . " + str(path)
            )
        case "zsh":
            advise(f"add this line to ~/.zshrc, unless it is there, and open a new shell: {ZSH_LINE}")
        case _:
            advise("open a new shell")
    advise(f"it completes what this version has; run digitlab {OPTION} again after an update")
    return 0
