"""How the page is served: where it listens, which models answer, and who may ask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the types of settings are read at run time

from digitlab.settings import Range, check_settings, setting

__all__ = ["ServeConfig"]


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """A server; the fields are the options of `digitlab serve`, and docs/web.md has them as a table."""

    # fmt: off
    host: str = setting("127.0.0.1", "The address to listen on; 0.0.0.0 is every address of this machine.")
    port: int = setting(8321, "The port; 0 takes a free one.", within=Range(0, 65_535))
    model: list[str] = setting(
        list,
        "A shipped name, a run folder or an .onnx file; may be given several times, and the first answers where a "
        "request names none. The shipped reader is always there.")
    lesson: list[str] = setting(
        list,
        "A file with a lesson for the page's menu, beside those that ship; may be given several times. "
        "docs/web-page.md says what is in it.")
    token_file: Path | None = setting(
        None,
        "A file with a secret that every request must bring; where there is no such file, one is made with a new "
        "secret, for you alone to read. Without it, the environment variable DIGITLAB_TOKEN is used.")
    token: str | None = setting(
        None, "The secret itself. It stays in the shell's history, and for a moment in the list of processes.")
    no_token: bool = setting(
        False, "Let everyone who can reach the address use the server; training is switched off then.")
    allowed_host: list[str] = setting(
        list,
        "A name beside this machine's own under which the server is asked, through a proxy for instance; may be given "
        "several times. It answers under no other name then.")
    trusted_proxy: list[str] = setting(
        list,
        "The address or network of a proxy whose X-Forwarded-For and X-Forwarded-Proto headers are believed; may be "
        "given several times.")
    access_log: bool = setting(False, "Write a line for each request to stderr: when, who, what, status, milliseconds.")
    open: bool = setting(False, "Open the page in the browser.")
    # fmt: on

    def __post_init__(self) -> None:
        check_settings(self)
