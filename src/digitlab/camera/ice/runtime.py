"""The only module that imports ZeroC Ice."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from digitlab.errors import MissingExtraError

__all__ = ["communicator", "ice"]

_log = logging.getLogger(__name__)


def ice() -> Any:
    """Import the module `Ice`.

    Raises:
        MissingExtraError: when it is not installed.
    """
    try:
        return importlib.import_module("Ice")
    except ModuleNotFoundError as error:
        if error.name not in ("Ice", "IcePy"):
            raise
        raise MissingExtraError("ice", needed_for="JdeRobot's Ice protocol") from error


def communicator(**properties: str | int) -> Any:
    """Create an Ice communicator with these properties, and none from files, the environment or the command line.

    properties: by name, with `_` for `.`, e.g. `Ice_MessageSizeMax=65536`
    """
    module = ice()
    data = module.InitializationData()
    data.properties = module.createProperties()
    for name, value in properties.items():
        data.properties.setProperty(name.replace("_", "."), str(value))
    data.logger = _Logger()
    return module.initialize(data)


class _Logger:
    """Sends Ice's messages to our log instead of stderr."""

    def print(self, message: str) -> None:
        _log.info("%s", message)

    def trace(self, category: str, message: str) -> None:
        _log.debug("%s: %s", category, message)

    def warning(self, message: str) -> None:
        _log.info("%s", message)

    def error(self, message: str) -> None:
        _log.info("%s", message)

    def getPrefix(self) -> str:  # noqa: N802 - Ice's name
        return ""

    def cloneWithPrefix(self, prefix: str) -> _Logger:  # noqa: ARG002, N802 - Ice's names
        return self
