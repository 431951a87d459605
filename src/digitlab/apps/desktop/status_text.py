"""What the state of things is called: in words first, colour and shape only go with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QCoreApplication

from digitlab.camera import is_camera

if TYPE_CHECKING:
    from digitlab.camera import Source
    from digitlab.live.engine import Snapshot
    from digitlab.live.frame_reading import Mode
    from digitlab.values import ReadDigit

__all__ = ["Condition", "Kind", "condition", "looked_at", "mode_of", "percent_of", "source_name", "what_is_read"]

Kind = Literal["good", "waiting", "warning", "stopped"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A few words, a sentence that may be empty, and of which kind: it chooses shape and colour."""

    words: str
    sentence: str
    kind: Kind

    @property
    def is_good(self) -> bool:
        """Whether frames come and are read, so that nothing need be said on the picture."""
        return self.kind == "good"


def _tr(text: str) -> str:
    return QCoreApplication.translate("States", text)


def condition(seen: Snapshot) -> Condition:
    """The state of the source and of the reading, in words."""
    state, problem = str(seen.state), _tidy(seen.problem)
    seconds = (seen.age_ms or 0.0) / 1000.0
    if state == "running" and seen.paused:
        return Condition(_tr("Paused"), _tr("The camera goes on; Space reads on."), "stopped")
    if state == "running" and seen.frame is None:
        waiting = Condition(_tr("No picture yet"), _tr("The first one is awaited."), "waiting")
        return Condition(_tr("Cannot read"), problem, "warning") if problem else waiting
    if state == "running":
        return Condition(_tr("Running"), "", "good")  # a problem of the reader's stands in the notice
    if state == "stalled":
        words = _tr("No picture for {seconds:.0f} s").format(seconds=seconds)
        return Condition(words, _tr("The camera is silent. What is shown is its last picture."), "warning")
    if state == "reconnecting" and seen.captured == 0:
        sentence = f"{problem} {_tr('It is asked again until it is there; Ctrl+L chooses another source.')}".strip()
        return Condition(_tr("Waiting for the camera …"), sentence, "warning")
    if state == "reconnecting":
        sentence = problem or _tr("The camera was lost. It is asked again until it answers.")
        return Condition(_tr("Reconnecting …"), sentence, "warning")
    if state == "connecting":
        return Condition(_tr("Connecting …"), problem or source_name(seen.source), "waiting")
    if state == "ended" and not problem:
        return Condition(_tr("The end"), _tr("Nothing more comes from here; F5 starts it again."), "stopped")
    again = problem or _tr("It gave no reason.")
    return Condition(_tr("No picture"), f"{again} {_tr('F5 tries again, Ctrl+L chooses another source.')}", "warning")


def what_is_read(seen: Snapshot) -> str:
    """A sentence on how probable the reading is, for below the large type."""
    if seen.frame is None:
        return _tr("nothing read yet")
    if seen.steady == "":
        return _tr("no digit is there")
    if seen.steady is None:
        return _tr("not sure yet")
    probable = [track.confidence for track in seen.tracks if track.digit is not None]
    if not probable:
        return ""
    least = percent_of(min(probable))  # of the tracks: a mean over the last frames, where the bars are of this one
    if len(probable) == 1:
        return _tr("mean probability {least}").format(least=least)
    return _tr("{count} digits, lowest mean probability {least}").format(count=len(probable), least=least)


def looked_at(seen: Snapshot) -> ReadDigit | None:
    """Of several digits, the one whose probabilities, prepared image and maps are shown: the most certain one."""
    digits = () if seen.reading is None else seen.reading.digits
    answered = [each for each in digits if each.digit is not None]
    return max(answered, key=lambda each: each.confidence) if len(digits) > 1 and answered else None


def mode_of(source: str | Source, remembered: Mode) -> Mode:
    """How a source is read unless the user says otherwise: a camera as the last time, films and pictures whole.

    S0's region is where one holds a digit before a camera; nobody holds anything before a film of a page.
    """
    return "page" if isinstance(source, str) and not is_camera(source) else remembered


def percent_of(probability: float) -> str:
    """A probability as it is written in the whole window; what is not quite 1 is not called so.

    >>> percent_of(0.914), percent_of(0.9996), percent_of(1.0)
    ('91%', '>99%', '100%')
    """
    return ">99%" if 0.995 <= probability < 1.0 else f"{probability:.0%}"


def source_name(source: str) -> str:
    """A source as it may be shown: without the name and password of an address.

    >>> source_name("rtsp://admin:secret@10.0.0.7/stream")
    'rtsp://10.0.0.7/stream'
    """
    scheme, mark, rest = source.partition("://")
    if not mark:
        return source
    server, slash, path = rest.partition("/")
    return f"{scheme}://{server.rpartition('@')[2]}{slash}{path}"


def _tidy(problem: str | None) -> str:
    """One line that ends like a sentence."""
    line = " ".join((problem or "").split())
    return line if not line or line.endswith((".", "!", "?", "…", ")")) else f"{line}."
