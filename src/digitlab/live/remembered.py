"""What a live session remembers for the next one: a small JSON file in the user's configuration folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from digitlab.errors import DigitlabError
from digitlab.live.region import Region
from digitlab.storage import write_text

__all__ = ["config_folder", "forget_region", "remember_region", "remembered_region", "small_json"]

_FILE = "live.json"
_LARGEST = 100_000  # bytes; ours has a hundred


def config_folder() -> Path:
    """The folder for what the user set: ``$DIGITLAB_CONFIG``, or the platform's place for it."""
    named = os.environ.get("DIGITLAB_CONFIG")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return Path(user_config_path("digitlab", appauthor=False))


def remembered_region() -> Region | None:
    """The region of the last session; None where there is none, or the file holds none that is valid."""
    shares = _settings().get("region")
    try:
        return Region(*(float(share) for share in shares)) if isinstance(shares, list) else None
    except (DigitlabError, TypeError, ValueError):
        return None


def remember_region(region: Region) -> None:
    """Keep the region for the next session.

    Raises:
        StorageError: when the file cannot be written.
    """
    shares = [round(share, 5) for share in (region.left, region.top, region.right, region.bottom)]
    _write({**_settings(), "region": shares})


def forget_region() -> None:
    """The next session begins with the usual region.

    Raises:
        StorageError: when the file cannot be written.
    """
    settings = _settings()
    if settings.pop("region", None) is not None:
        _write(settings)


def _settings() -> dict[str, Any]:
    """The content of the file; empty where it is missing or damaged: the next write replaces it."""
    return small_json(config_folder() / _FILE)


def small_json(path: Path) -> dict[str, Any]:
    """The object in a small JSON file; empty where the file is missing, damaged or too large to be one of ours."""
    try:
        if path.stat().st_size > _LARGEST:
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(settings: dict[str, Any]) -> None:
    write_text(config_folder() / _FILE, json.dumps(settings, indent=1) + "\n")
