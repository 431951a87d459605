"""The configuration files of 2017 and 2018: which settings they contain, and which of them are used here.

Digitclassifier.Camera.Proxy=cameraA:default -h localhost -p 9999        digitclassifier.cfg, 2017: Ice properties

DigitClassifier:                                                         digitclassifier.yml, 2018
  Camera:
    Server: 1        # 0 off, 1 Ice, 2 ROS
    Proxy: "cameraA:tcp -h localhost -p 9999"
    Format: RGB8
    Topic: "/usb_cam/image_raw"
    Name: cameraA
  Framework: Keras
  Model: "Network/Keras/Model/net.h5"
  NodeName: dl-digitclassifier
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from digitlab.camera.ice.properties import Properties, configuration_text, properties_in
from digitlab.errors import RecipeError, UsageError

if TYPE_CHECKING:
    from digitlab.live.config import LiveConfig

__all__ = ["LiveConfiguration", "read_configuration", "usable_model", "with_configuration"]

_DEEPEST = 8  # maximum nesting depth; these files have three levels
_MOST_BRACKETS = 100  # these files need none; PyYAML's time is quadratic in the number of open brackets
_KERAS_FILES = (".h5", ".hdf5")


@dataclass(frozen=True, slots=True)
class LiveConfiguration:
    """The settings of an old configuration file.

    source: for `open_source`, "ice:cameraA:tcp -h localhost -p 9999" or "ros:/usb_cam/image_raw"; None when the file
        turns the camera off
    server: "ice", "ros" or "off"
    proxy, topic: as given in the file, whichever of them is used; None if missing
    model: the file that it names, searched for next to the configuration and then in the working directory; None when
        it names none, or one that does not exist (a warning says so). Mostly an .h5 of an old Keras, trained on Sobel
        images: a warning says how to convert it
    format: of the pictures; not used: the client requests a format that it can read
    node_name: the program's name for itself
    camera_name: the program's name for its camera
    warnings: a sentence for each key that is unknown, obsolete or has another effect here
    """

    source: str | None
    server: str = "ice"
    proxy: str | None = None
    topic: str | None = None
    model: str | None = None
    format: str = "RGB8"
    node_name: str | None = None
    camera_name: str | None = None
    warnings: tuple[str, ...] = ()


def read_configuration(path: str | Path) -> LiveConfiguration:
    """Read `digitclassifier.cfg` (Ice properties, 2017) or `digitclassifier.yml` (2018); the content decides which.

    Raises:
        RecipeError: when the file is missing, too large, not text, of neither kind, or a value has the wrong type; the
            message is one line that names the key.
    """
    text = configuration_text(path)
    if re.search(r"^[ \t]*[\w.]+[ \t]*=", text, re.MULTILINE):
        return _of_2017(properties_in(text, path), path)
    return _of_2018(text, path)


def with_configuration(config: LiveConfig) -> tuple[LiveConfig, tuple[str, ...]]:
    """Take the source and the model that a session lacks from its configuration file; return it, and notes about it.

    Raises:
        RecipeError: as `read_configuration`.
        UsageError: when neither names a source.
    """
    if config.config is None:
        return config, ()
    old = read_configuration(config.config)
    source, model, notes = config.source or old.source, config.model, old.warnings
    if source is None:
        raise UsageError(f"{config.config}: turns the camera off; say where pictures come from with --source")
    if model is None:
        model, said = usable_model(old)
        notes = (*notes, *said)
    return replace(config, source=source, model=model), notes


def usable_model(old: LiveConfiguration) -> tuple[str | None, tuple[str, ...]]:
    """Return the model of a configuration, None for the shipped reader, and notes about it."""
    if old.model is None or Path(old.model).suffix.lower() not in _KERAS_FILES:
        return old.model, ()
    # The file does not say what it was trained on; a warning of `read_configuration` says how to convert it.
    return None, (f"{old.model} cannot be used as it is; reading with the shipped model",)


def _of_2017(values: dict[str, str], path: str | Path) -> LiveConfiguration:
    if any(name.startswith("CameraSrv.") for name in values):
        raise RecipeError(
            f"{path}: this configures a camera server; start it with "
            f"`digitlab camera-server --config {Path(path).name}`"
        )
    properties = Properties(values, path, "Digitclassifier.Camera.")
    proxy = properties.text("Proxy", "")
    if not proxy:
        raise RecipeError(
            f"{path}: Digitclassifier.Camera.Proxy is missing; "
            "expected e.g. Digitclassifier.Camera.Proxy=cameraA:default -h localhost -p 9999"
        )
    picture_format = properties.text("Format", "RGB8")
    warnings = [f"{name}: unknown, not used" for name in properties.unasked()]
    return LiveConfiguration(
        f"ice:{proxy}", proxy=proxy, format=picture_format, warnings=(*_about_format(picture_format), *warnings)
    )


def _of_2018(text: str, path: str | Path) -> LiveConfiguration:
    content = _mapping(_parsed(text, path), "the file", path)
    node = _Mapping(content, "", path)
    program = node.mapping("DigitClassifier")
    camera = program.mapping("Camera")
    number = camera.whole("Server", 1, 2)
    server = ("off", "ice", "ros")[number]
    proxy, topic = camera.text("Proxy"), camera.text("Topic")
    source = {"off": None, "ice": f"ice:{proxy}", "ros": f"ros:{topic}"}[server]
    if (server, proxy) == ("ice", None) or (server, topic) == ("ros", None):
        key = "Proxy" if server == "ice" else "Topic"
        raise RecipeError(f"{path}: DigitClassifier.Camera.{key} is missing; Server is {number}, which needs it")
    picture_format = camera.text("Format") or "RGB8"
    warnings = list(_about_format(picture_format))
    warnings += _obsolete(camera, "Fps", "a camera is read at its own rate")
    name = camera.text("Name")
    warnings += _obsolete(program, "Framework", "a model file itself records what it is")
    model, said = _model(program.text("Model"), Path(path).parent)
    warnings += said
    node_name = program.text("NodeName") or node.text("NodeName")
    warnings += [f"{key}: unknown, not used" for key in (*node.unasked(), *program.unasked(), *camera.unasked())]
    return LiveConfiguration(source, server, proxy, topic, model, picture_format, node_name, name, tuple(warnings))


def _parsed(text: str, path: str | Path) -> Any:
    try:
        _check_plain(text, path)
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: an invalid date or number
        mark = getattr(error, "problem_mark", None)
        place = "" if mark is None else f" at line {mark.line + 1}"
        reason = getattr(error, "problem", None) or type(error).__name__
        raise RecipeError(
            f"{path}: not YAML{place} ({reason}); expected digitclassifier.cfg of 2017 or digitclassifier.yml of 2018"
        ) from error


def _check_plain(text: str, path: str | Path) -> None:
    """Refuse small files that expand to large ones: aliases are copied, and nesting takes quadratic time.

    Raises:
        RecipeError: when the file has either, which no such configuration needs.
    """
    refusal = f"{path}: has aliases (*name), or is nested too deeply; expected plain values"
    if text.count("[") + text.count("{") > _MOST_BRACKETS:
        raise RecipeError(refusal)
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST:
            raise RecipeError(refusal)


def _about_format(picture_format: str) -> list[str]:
    return (
        []
        if picture_format == "RGB8"
        else [f"Format is {picture_format!r}; the camera is asked for a format that can be read, RGB8 first"]
    )


def _obsolete(mapping: _Mapping, key: str, reason: str) -> list[str]:
    return [f"{mapping.place}{key}: not used; {reason}"] if mapping.has(key) else []


def _model(named: str | None, folder: Path) -> tuple[str | None, list[str]]:
    """Find the file of the model; return it, and the warnings about it."""
    if named is None:
        return None, []
    there = next((place for place in (folder / named, Path(named)) if _is_there(place)), None)
    if there is None:
        return None, [f"Model: {named}: there is no such file; the shipped reader is used"]
    if there.is_dir():
        return None, [f"Model: {named}: a folder of TensorFlow cannot be read; the shipped reader is used"]
    if there.suffix.lower() in _KERAS_FILES:
        new = there.with_suffix(".keras").name
        advice = (
            f"Model: {named} is a file of an old Keras. If it was trained on Sobel images, as those of 2017 and 2018 "
            f"were, convert it once: `digitlab import {there.name} {new} --form sobel`, and write {new} here"
        )
        return str(there), [advice]
    return str(there), []


def _is_there(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # the name is too long, or the folder is unreadable
        return False


def _shown(value: object) -> str:
    """Describe a value of the file for a message, always briefly."""
    if value is None:
        return "nothing"
    if isinstance(value, int) and abs(value) >= 10**9:
        return "a huge number"
    if isinstance(value, str | int | float):
        return f"{value!r:.60}"
    return "a list" if isinstance(value, list) else "keys and values" if isinstance(value, dict) else "a date"


def _mapping(value: Any, what: str, path: str | Path) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise RecipeError(
            f"{path}: {what} is {_shown(value)}; expected keys and values, as digitclassifier.yml has them"
        )
    return value


class _Mapping:
    """A mapping within the YAML file, which records the keys that were asked for."""

    def __init__(self, values: dict[str, Any], place: str, path: str | Path) -> None:
        self.place = place
        self._values = values
        self._path = path
        self._asked: set[str] = set()

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return key in self._values

    def mapping(self, key: str) -> _Mapping:
        self._asked.add(key)
        place = f"{self.place}{key}"
        return _Mapping(_mapping(self._values.get(key), place, self._path), f"{place}.", self._path)

    def text(self, key: str) -> str | None:
        """Return a text, or None if it is missing or empty."""
        self._asked.add(key)
        value = self._values.get(key)
        if value is None or isinstance(value, str):
            return value or None
        raise RecipeError(f"{self._path}: {self.place}{key} is {_shown(value)}; expected a text")

    def whole(self, key: str, default: int, most: int) -> int:
        self._asked.add(key)
        value = self._values.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
            return value
        raise RecipeError(
            f"{self._path}: {self.place}{key} is {_shown(value)}; expected a whole number from 0 to {most}"
        )

    def unasked(self) -> list[str]:
        return [f"{self.place}{_name(key)}" for key in self._values if key not in self._asked]


def _name(key: str) -> str:
    return key[:60] if key.isprintable() else f"{key[:60]!r}"
