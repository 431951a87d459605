"""The settings of a live session: its source, its network, its outputs, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the types of settings are read at run time
from typing import Literal

from digitlab.errors import UsageError
from digitlab.live.region import box_of_text
from digitlab.settings import Range, check_settings, seconds_of, setting

__all__ = ["MODES", "LiveConfig", "Mode", "Steadiness"]

Mode = Literal["region", "page", "thesis"]
"""region: the one digit in the region. page: all digits of the frame. thesis: the region, as in the program of S0."""

MODES: tuple[Mode, ...] = ("region", "page", "thesis")


@dataclass(frozen=True)
class Steadiness:
    """When an answer counts as steady, and how long it stays so; all in seconds, independent of the frame rate."""

    # fmt: off
    pause: float = setting(
        0.2,
        "Usual time between two strokes of a digit, in seconds. Where it is shorter, answers come sooner, and now and "
        "then while a digit is still being drawn.", within=Range(0.02, 5))
    hidden: float = setting(
        0.7, "Seconds for which a digit may be hidden, as by a hand, before its answer is withdrawn.",
        within=Range(0.05, 60))
    stale: float = setting(
        2.0, "Age in seconds from which what was read is called stale.", within=Range(0.2, 3600))
    # fmt: on

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True)
class _Session:
    """The settings of a live session other than its steadiness."""

    # fmt: off
    source: str | None = setting(
        None, "A camera's number, a video, a folder of pictures, http://…, rtsp://…, ice:PROXY or ros:ws://HOST/TOPIC.")
    config: Path | None = setting(
        None, "A digitclassifier.cfg of 2017 or its YAML of 2018: its camera and its model, where not given here.")
    mode: Mode | None = setting(
        None,
        "What is read: the one digit in the region (so with a region or a configuration file), all digits of the page "
        "(else), or the region as the program of 2017 did it (Sobel image, every 150 ms).")
    region: tuple[int, int, int, int] | None = setting(
        None,
        "The part of the frame that is read, X,Y,WIDTH,HEIGHT in pixels; else that of the last session, or a square in "
        "the middle.", of_text=box_of_text)
    model: str | None = setting(
        None, "A shipped name, a run folder, or a model file of any framework (.onnx, .keras, .h5 …); else the reader.")
    threshold: float | None = setting(
        None, "Confidence below which a digit is not answered; else 0.5.", within=Range(0, 1))
    on_digit: str | None = setting(
        None, "A program to start for each steady text; {digit} and {text} in its arguments are replaced. No shell.")
    mqtt: str | None = setting(None, "Publish to mqtt://[USER:PASSWORD@]HOST[:PORT]/TOPIC.")
    home_assistant: bool = setting(
        False, "Announce what --mqtt publishes to Home Assistant, which then shows it by itself.")
    metrics: str | None = setting(None, "Serve figures for Prometheus at HOST:PORT, or at PORT of this machine alone.")
    ros: str | None = setting(None, "Publish through a rosbridge at ws://HOST:9090.")
    topic: str | None = setting(None, "The ROS name under which is published; else /digitlab.")
    record: Path | None = setting(None, "Write a video (.mp4, .avi), and its readings beside it (.jsonl).")
    seconds: float | None = setting(
        None, "Stop after this time, e.g. 45m, 2h, 30s or plain seconds.", flag="--for", of_text=seconds_of,
        within=Range(0, above=True))
    fast: bool = setting(False, "Read every frame of a file, as fast as possible, instead of at its own pace.")
    retry: bool = setting(False, "Keep retrying until the camera appears.")
    once: bool = setting(
        False, "Tell each number of the page once, also while the page moves, instead of each change of the text.")
    # fmt: on


@dataclass(frozen=True)
class LiveConfig(Steadiness, _Session):
    """A live session; the fields are the options of `digitlab live`, and docs/live.md has them as a table."""

    def __post_init__(self) -> None:
        check_settings(self)
        if self.topic is not None and self.ros is None:
            raise UsageError("--topic names what --ros publishes; --ros ws://HOST:9090 is missing")
        if self.home_assistant and self.mqtt is None:
            raise UsageError("--home-assistant announces what --mqtt publishes; --mqtt mqtt://HOST/TOPIC is missing")

    @property
    def steadiness(self) -> Steadiness:
        """The settings that define when an answer counts as steady."""
        return Steadiness(self.pause, self.hidden, self.stale)
