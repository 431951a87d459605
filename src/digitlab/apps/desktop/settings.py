"""The window's settings, saved between sessions. The region belongs to the engine, which saves it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QByteArray, QStandardPaths

from digitlab.apps.desktop.status_text import source_name
from digitlab.camera import is_camera
from digitlab.live.frame_reading import MODES
from digitlab.live.remembered import config_folder, small_json
from digitlab.storage import write_text

if TYPE_CHECKING:
    from digitlab.live.frame_reading import Mode

__all__ = ["Theme", "WindowSettings"]

Theme = Literal["system", "light", "dark"]
_THEMES: tuple[Theme, ...] = ("system", "light", "dark")
_FILE = "window.json"
_MOST_RECENT = 8
_LONGEST = 2000  # characters of a name; a longer one means a damaged file


class WindowSettings:
    """The settings by name; invalid values in the file are replaced by defaults.

    JSON instead of QSettings, which can contain pickled Python objects, whose loading executes code.

    path: the file; default: beside the engine's settings
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or config_folder() / _FILE
        self._values = small_json(self.path)

    def save(self) -> None:
        """Write the file.

        Raises:
            StorageError: when the file cannot be written.
        """
        write_text(self.path, json.dumps(self._values, indent=1) + "\n")

    def _text(self, name: str) -> str:
        value = self._values.get(name)
        return value if isinstance(value, str) and len(value) <= _LONGEST else ""

    def _list(self, name: str) -> list[str]:
        values = self._values.get(name)
        texts = values if isinstance(values, list) else []
        return [text for text in texts if isinstance(text, str) and 0 < len(text) <= _LONGEST][:_MOST_RECENT]

    def _add(self, name: str, value: str) -> None:
        others = [other for other in self._list(name) if other != value]
        self._values[name] = [value, *others][:_MOST_RECENT]

    @property
    def source(self) -> str | None:
        """The source of the last session."""
        return self._text("source") or None

    @property
    def recent_sources(self) -> list[str]:
        """Recent sources, the last one first."""
        return self._list("recent_sources")

    def use_source(self, source: str) -> None:
        """Save a source, unless its address contains a password, which does not belong in this file."""
        if source_name(source) == source:
            source = _from_anywhere(source)
            self._values["source"] = source
            self._add("recent_sources", source)

    @property
    def model(self) -> str | None:
        """The model of the last session; None is the shipped reader."""
        return self._text("model") or None

    @property
    def recent_models(self) -> list[str]:
        """Recent model files and run folders, the last one first."""
        return self._list("recent_models")

    def use_model(self, model: str, *, shipped: bool) -> None:
        """Save a model."""
        self._values["model"] = model
        if not shipped:
            self._add("recent_models", model)

    @property
    def mode(self) -> Mode:
        """The reading mode."""
        mode = self._text("mode")
        return mode if mode in MODES else "region"

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._values["mode"] = mode

    @property
    def theme(self) -> Theme:
        """Light, dark, or as the system."""
        theme = self._text("theme")
        return theme if theme in _THEMES else "system"

    @theme.setter
    def theme(self, theme: Theme) -> None:
        self._values["theme"] = theme

    @property
    def maps(self) -> bool:
        """Whether activation maps are shown."""
        return self._values.get("maps") is True

    @maps.setter
    def maps(self, shown: bool) -> None:
        self._values["maps"] = shown

    @property
    def layer(self) -> str | None:
        """The layer whose maps are shown, by its name."""
        return self._text("layer") or None

    @layer.setter
    def layer(self, name: str) -> None:
        self._values["layer"] = name

    @property
    def folder(self) -> Path:
        """The folder for snapshots and recordings."""
        chosen = self._text("folder")
        if chosen and "\0" not in chosen:
            return Path(chosen)
        pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        return (Path(pictures) if pictures else Path.home()) / "digitlab"

    @folder.setter
    def folder(self, folder: Path) -> None:
        self._values["folder"] = str(folder)

    @property
    def geometry(self) -> QByteArray:
        """Place and size of the window, as encoded by Qt; empty if unknown."""
        return QByteArray.fromHex(self._text("geometry").encode("ascii", "ignore"))

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._values["geometry"] = bytes(geometry.toHex().data()).decode("ascii")


def _from_anywhere(source: str) -> str:
    """Return a file or folder by its absolute path, as the next session may start in another folder."""
    if is_camera(source) or source.partition(":")[0].lower() == "synthetic":
        return source
    try:
        return str(Path(source).absolute()) if Path(source).exists() else source
    except (OSError, ValueError):  # no name that a file could have
        return source
