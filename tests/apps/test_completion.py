"""The shells' completion: a script made from the commands, in the file that the shell reads."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from digitlab.apps.cli import run
from digitlab.apps.cli.completion import SHELLS
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
