"""The extras: ours are those of pyproject.toml; the command that adds one is right for how digitlab was installed."""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

import digitlab
from digitlab import extras
from digitlab.errors import MissingExtraError
from digitlab.extras import EXTRAS, install_command

CHECKOUT = Path(__file__).parents[1]
WHEEL = "/home/me/digitlab-0.1.0-py3-none-any.whl"


def test_the_extras_are_those_of_pyproject() -> None:
    declared = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    named = {extra: {re.split(r"[\[>=<]", each)[0] for each in packages} for extra, packages in declared.items()}
    assert {name: set(extra.packages) for name, extra in EXTRAS.items()} == named


class Installed:
    """What an installer leaves in the metadata of an installation."""

    def __init__(self, origin: dict[str, object] | None, installer: str = "pip") -> None:
        self.files = {"INSTALLER": f"{installer}\n", "direct_url.json": json.dumps(origin) if origin else None}

    def read_text(self, name: str) -> str | None:
        return self.files[name]


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        ({"url": "file:///home/me/digit%20lab", "dir_info": {}}, 'pip install "/home/me/digit lab[web]"'),
        ({"url": f"file://{WHEEL}", "archive_info": {}}, f'pip install "{WHEEL}[web]"'),
        ({"url": "file:///C:/me/d.whl", "archive_info": {}}, 'pip install "C:/me/d.whl[web]"'),
        ({"url": "https://a.org/d.whl", "archive_info": {}}, 'pip install "digitlab[web] @ https://a.org/d.whl"'),
        (
            {"url": "https://a.org/d", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            'pip install "digitlab[web] @ git+https://a.org/d@abc"',
        ),
        (None, 'pip install "digitlab[web]"'),
    ],
)
def test_the_command_names_where_the_installation_came_from(
    origin: dict[str, object] | None, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "lib" / "site-packages" / "digitlab" / "extras.py"))
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: Installed(origin))
    monkeypatch.setattr(extras.shutil, "which", lambda _: str(Path(sys.executable).with_name("pip")))  # type: ignore[attr-defined]
    assert install_command("web") == command


def test_in_a_checkout_it_stays_editable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(CHECKOUT)
    assert install_command("web").endswith('-e ".[web]"')
    monkeypatch.chdir(tmp_path)
    assert install_command("tune").endswith(f'-e "{CHECKOUT}[train,tune]"')


def test_another_environments_pip_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: Installed(None))
    monkeypatch.setattr(extras.shutil, "which", lambda _: "/elsewhere/bin/pip")  # type: ignore[attr-defined]
    assert install_command("web").startswith(f"{sys.executable} -m pip install ")
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: Installed(None, "uv"))
    assert install_command("web").startswith(f"uv pip install --python {sys.executable} ")


def test_what_an_extra_costs_is_said_with_it() -> None:
    assert "five minutes" in str(MissingExtraError("ice", needed_for="a camera"))
    assert MissingExtraError("ice", needed_for="a camera").lacking == 'a camera needs the extra "ice"'


def test_a_name_of_the_package_that_needs_an_extra_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "digitlab.training.estimator", raising=False)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    with pytest.raises(MissingExtraError, match=r'digitlab\.DigitClassifier needs the extra "train".*\[train\]'):
        _ = digitlab.DigitClassifier


def test_no_message_names_a_package_that_is_on_no_index() -> None:
    texts = [*(CHECKOUT / "src").rglob("*.py"), *(CHECKOUT / "docs").rglob("*.md"), CHECKOUT / "README.md"]
    texts += [text for text in (CHECKOUT / "examples").rglob("*") if text.is_file() and text.suffix != ".pyc"]
    texts = [text for text in texts if text.name != "extras.py"]
    found = [f"{text.name}: {line}" for text in texts for line in text.read_text("utf-8").splitlines()
             if re.search(r"pip install [\"']?digitlab\b(?!-)|digitlab\[", line)]  # fmt: skip
    assert found == []
