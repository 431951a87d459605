"""The shells' completion: a script made from the commands, in the file that the shell reads."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from digitlab.apps.cli import run
from digitlab.apps.cli.completion import SHELLS, ZSH_LINE
from digitlab.apps.cli.verbs import VERBS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_knows_verbs_and_options(
    shell: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    assert run(["--install-completion"]) == 0
    path = home / SHELLS[shell]
    assert capsys.readouterr().out.strip() == str(path)
    script = path.read_text("utf-8")
    assert all(verb in script for verb in VERBS)
    assert "architecture" in script
    before = sorted(home.rglob("*"))
    assert run(["--install-completion", shell]) == 0
    assert sorted(home.rglob("*")) == before


def test_another_shell_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--install-completion", "csh"]) == 2
    assert "the shell is 'csh'; expected one of bash, zsh, fish" in capsys.readouterr().err
    assert list(home.iterdir()) == []


def test_bash_completes(home: Path, needs_program: Callable[..., str]) -> None:
    assert run(["--install-completion", "bash"]) == 0
    script = home / SHELLS["bash"]
    ask = (
        f'source {script}; complete_for() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); '
        '_digitlab digitlab; echo "${COMPREPLY[@]}"; }; '
        "complete_for digitlab eva; complete_for digitlab train --epo; complete_for digitlab study li"
    )
    done = subprocess.run([needs_program("bash"), "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["evaluate", "--epochs", "list"]
    values = (
        "source "
        + str(script)
        + '; COMP_WORDS=(digitlab train --precision bf); COMP_CWORD=3; _digitlab digitlab; echo "$COMPREPLY"'
    )
    done = subprocess.run([needs_program("bash"), "-c", values], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["bfloat16"]


def test_fish_completes(home: Path, needs_program: Callable[..., str]) -> None:
    fish = needs_program("fish")
    assert run(["--install-completion", "fish"]) == 0
    asked = ("digitlab eva", "digitlab train --epo", "digitlab study li", "digitlab train --precision bf")
    code = "; ".join(f"complete -C '{words}'" for words in asked)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # of a command that it finds only
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "PATH": path}
    done = subprocess.run([fish, "-c", code], capture_output=True, text=True, check=True, env=environment, cwd=home)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["evaluate", "--epochs", "list", "bfloat16"]


def test_zsh_completes(home: Path, needs_program: Callable[..., str]) -> None:
    """On a terminal, where alone it does: the advised line, then words and a Tab."""
    zsh = needs_program("zsh")
    assert run(["--install-completion", "zsh"]) == 0
    leader, terminal = pty.openpty()
    environment = {**os.environ, "HOME": str(home), "ZDOTDIR": str(home), "TERM": "vt100"}
    with subprocess.Popen(
        [zsh, "-f", "-i"], stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True
    ) as shell:
        os.close(terminal)
        try:
            os.write(leader, f"{ZSH_LINE}; echo started:$_comps[digitlab]\n".encode())
            _read_until(leader, b"started:_digitlab")
            for words, completed in (
                ("digitlab eva", b"digitlab evaluate"),
                ("digitlab study li", b"digitlab study list"),
                ("digitlab read --eng", b"digitlab read --engine"),
                ("digitlab train --precision bf", b"digitlab train --precision bfloat16"),
            ):
                os.write(leader, words.encode() + b"\t")
                _read_until(leader, completed)
                os.write(leader, b"\x15")  # Ctrl-U: an empty line
        finally:
            shell.kill()
            os.close(leader)


def _read_until(terminal: int, wanted: bytes) -> None:
    """Read what a shell writes until it has written ``wanted``."""
    seen, end = b"", time.monotonic() + 60
    while wanted not in seen:
        assert time.monotonic() < end, seen
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 4096).replace(b"\0", b"")
