"""The folder of a search.

space.toml       the search space and how it is searched, with all defaults
journal.log      every proposal, report and result, from which a search is resumed
trials.csv       one row per trial
results.json     the trials with the results of each fold, the best or the Pareto front, and the cost
best.toml        the best recipe: digitlab train best.toml
recipes/N.toml   with several objectives: the recipes of the Pareto front, by trial
trials.png       the trials in order, and the best so far
front.png        with several objectives: the first one plotted against each of the others
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from digitlab.errors import UsageError
from digitlab.storage import locked, write_text
from digitlab.toml_files import read_toml
from digitlab.tuning.space import Space, parse_space

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ["Folder"]


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one search."""

    path: Path

    @property
    def space(self) -> Path:
        """The search space."""
        return self.path / "space.toml"

    @property
    def journal(self) -> Path:
        """Every step of the search."""
        return self.path / "journal.log"

    @property
    def table(self) -> Path:
        """One row per trial."""
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
        """The trials in order, and the best so far."""
        return self.path / "trials.png"

    @property
    def front_plot(self) -> Path:
        """The objectives plotted against each other."""
        return self.path / "front.png"

    def recipe(self, number: int) -> Path:
        """Return the path of the recipe of a trial on the Pareto front."""
        return self.path / "recipes" / f"{number}.toml"

    def read(self) -> Space:
        """Read the search space of this folder.

        Raises:
            UsageError: when it is not the folder of a search.
            RecipeError: when its space was edited by hand and is no longer valid.
        """
        if not self.space.is_file():
            raise UsageError(f"{self.path}: not the folder of a search; expected space.toml in it")
        return parse_space(read_toml(self.space), self.path.name, self.space)

    def begin(self, space: Space) -> None:
        """Write the search space; an existing one must be the same, except for the number of trials.

        An existing one of which no trial began, because its check was refused for instance, is replaced.

        Raises:
            UsageError: when the folder holds another search or other files.
            StorageError: when it cannot be written.
        """
        import tomli_w

        if self.space.is_file():
            ours, theirs = _fixed_settings(space), _fixed_settings(self.read())
            if ours != theirs and not self._is_begun():
                self.journal.unlink(missing_ok=True)
            elif ours != theirs:
                differing = sorted(key for key in ours | theirs if ours.get(key) != theirs.get(key))
                raise UsageError(
                    f"{self.path} contains another search: {', '.join(differing)} differ; --resume {self.path} "
                    "continues that one, --out starts this one elsewhere"
                )
        elif self.path.is_dir() and any(self.path.iterdir()):
            raise UsageError(f"{self.path} contains other files; expected a new or empty folder, or that of a search")
        write_text(self.space, tomli_w.dumps({**space.as_toml(), "name": space.name}))

    def _is_begun(self) -> bool:
        from digitlab.tuning.search import Search

        return self.journal.is_file() and bool(Search(self.read(), self.journal).trials)

    def locked(self) -> AbstractContextManager[None]:
        """Lock the folder against other processes, see `digitlab.storage.locked`.

        Raises:
            UsageError: when another process holds the lock.
            StorageError: when the folder cannot be written.
        """
        refusal = f"{self.path}: another process is searching here; wait until it ends, or choose another --out"
        return locked(self.path, refusal)


def _fixed_settings(space: Space) -> dict[str, object]:
    """Return the settings that must not change when a search is resumed, by their names in the file."""
    content = replace(space, tuning=replace(space.tuning, trials=None)).as_toml()
    tuning, varied = content.pop("tune"), content.pop("space")
    return {**content, **{f"tune.{key}": value for key, value in tuning.items()}, "space": varied}
