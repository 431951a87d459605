"""Content of the page without a server."""

from __future__ import annotations

from dataclasses import dataclass

from digitlab.settings import check_settings, setting

__all__ = ["PageConfig"]


@dataclass(frozen=True, slots=True)
class PageConfig:
    """Options of `digitlab page`; docs/web-page.md has them as a table."""

    # fmt: off
    model: list[str] = setting(
        list,
        "A run folder, or an .onnx, .keras or .h5 file, to be in the page beside the shipped reader; may be given "
        "several times. The first answers when the page is opened.")
    lesson: list[str] = setting(
        list,
        "A file with a lesson for the page's menu, beside those that ship; may be given several times. "
        "docs/web-page.md says what is in it.")
    overwrite: bool = setting(False, "Write over what is in the folder, if it is an older page.")
    # fmt: on

    def __post_init__(self) -> None:
        check_settings(self)
