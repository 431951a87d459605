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
    """Return the folder for the user's settings: ``$DIGITLAB_CONFIG``, or the platform's default."""
    named = os.environ.get("DIGITLAB_CONFIG")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return Path(user_config_path("digitlab", appauthor=False))


def remembered_region() -> Region | None:
    """Return the region of the last session; None if there is none, or the stored one is invalid."""
    shares = _settings().get("region")
    try:
        return Region(*(float(share) for share in shares)) if isinstance(shares, list) else None
    except (DigitlabError, TypeError, ValueError):
        return None


def remember_region(region: Region) -> None:
    """Save the region for the next session.

    Raises:
        StorageError: when the file cannot be written.
    """
    shares = [round(share, 5) for share in (region.left, region.top, region.right, region.bottom)]
    _write({**_settings(), "region": shares})


def forget_region() -> None:
    """Discard the saved region, so that the next session begins with the default one.

    Raises:
        StorageError: when the file cannot be written.
    """
    settings = _settings()
    if settings.pop("region", None) is not None:
        _write(settings)


def _settings() -> dict[str, Any]:
    """Read the content of the file; empty if it is missing or damaged (the next write then replaces it)."""
    return small_json(config_folder() / _FILE)


def small_json(path: Path) -> dict[str, Any]:
    """Read the object in a small JSON file; empty if the file is missing, damaged or too large to be one of ours."""
    try:
        if path.stat().st_size > _LARGEST:
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(settings: dict[str, Any]) -> None:
    write_text(config_folder() / _FILE, json.dumps(settings, indent=1) + "\n")
