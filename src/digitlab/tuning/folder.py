"""The folder of a search.

space.toml       what is searched and how, everything resolved
journal.log      every proposal, report and result: what a search goes on from
trials.csv       a trial a row
results.json     the trials with what each fold gave, the best or the front, and the cost
best.toml        the best recipe: digitlab train best.toml
recipes/N.toml   where several objectives were sought: the recipes of the front, by trial
trials.png       the trials in their order, and the best so far
front.png        accuracy beside latency or size, where they were sought
"""

from __future__ import annotations

import contextlib
import os
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from digitlab.errors import RecipeError, UsageError
from digitlab.storage import saying_what_failed, write_text
from digitlab.tuning.space import Space, parse_space

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Folder"]


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a search is kept."""

    path: Path

    @property
    def space(self) -> Path:
        """What is searched."""
        return self.path / "space.toml"

    @property
    def journal(self) -> Path:
        """Every step."""
        return self.path / "journal.log"

    @property
    def table(self) -> Path:
        """A trial a row."""
        return self.path / "trials.csv"

    @property
    def results(self) -> Path:
        """Everything as JSON."""
        return self.path / "results.json"

    @property
    def best(self) -> Path:
        """The best recipe."""
        return self.path / "best.toml"

    @property
    def trials_plot(self) -> Path:
        """The trials in their order."""
        return self.path / "trials.png"

    @property
    def front_plot(self) -> Path:
        """Two objectives beside each other."""
        return self.path / "front.png"

    def recipe(self, number: int) -> Path:
        """The recipe of a trial of the front."""
        return self.path / "recipes" / f"{number}.toml"

    def read(self) -> Space:
        """What this folder searches.

        Raises:
            UsageError: when it is no folder of a search.
            RecipeError: when its space was changed by hand, to something that is none.
        """
        if not self.space.is_file():
            raise UsageError(f"{self.path}: not the folder of a search; expected space.toml in it")
        try:
            content = tomllib.loads(self.space.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise RecipeError(f"{self.space}: not a readable TOML file ({error})") from error
        return parse_space(content, self.path.name, self.space)

    def begin(self, space: Space) -> None:
        """Write down what is searched; where something is already, it must be the same but for the number of trials.

        Raises:
            UsageError: when the folder searches something else.
            StorageError: when it cannot be written.
        """
        import tomli_w

        if self.space.is_file():
            ours, theirs = _essence(space), _essence(self.read())
            if ours != theirs:
                differing = sorted(key for key in ours | theirs if ours.get(key) != theirs.get(key))
                raise UsageError(
                    f"{self.path} holds another search: {', '.join(differing)} differ; --resume {self.path} goes on "
                    "with that one, --out begins this one elsewhere"
                )
        elif self.path.is_dir() and any(self.path.iterdir()):
            raise UsageError(f"{self.path} holds other files; expected a new or empty folder, or that of a search")
        write_text(self.space, tomli_w.dumps({**space.as_toml(), "name": space.name}))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else goes on with this search meanwhile; a lock of the system's, which a killed process does not keep.

        Raises:
            UsageError: when another process is at it.
            StorageError: when the folder cannot be written.
        """
        with saying_what_failed(self.path, "make"):
            self.path.mkdir(parents=True, exist_ok=True)
        try:
            import fcntl
        except ImportError:  # a system without; there the user must take care
            yield
            return
        # The folder itself is locked: no file is left behind.
        handle = os.open(self.path, os.O_RDONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"{self.path}: another process is searching here; wait for it, or choose --out"
                ) from None
            yield
        finally:
            os.close(handle)


def _essence(space: Space) -> dict[str, object]:
    """What may not change while a search goes on, by the names of the file."""
    content = replace(space, tuning=replace(space.tuning, trials=None)).as_toml()
    tuning, varied = content.pop("tune"), content.pop("space")
    return {**content, **{f"tune.{key}": value for key, value in tuning.items()}, "space": varied}
