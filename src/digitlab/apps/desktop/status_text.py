"""The texts for the state of source and reading; colour and shape only accompany them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QCoreApplication

from digitlab.camera import is_camera
from digitlab.live.frame_reading import surest_of

if TYPE_CHECKING:
    from digitlab.camera import Source
    from digitlab.live.engine import Snapshot
    from digitlab.live.frame_reading import Mode
    from digitlab.values import ReadDigit

__all__ = [
    "Condition", "Kind", "condition", "how_old", "mode_of", "percent_of", "shown_digit", "shown_probabilities",
    "source_name", "what_is_read",
]  # fmt: skip

Kind = Literal["good", "waiting", "warning", "stopped"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A short text, a sentence that may be empty, and the kind, which selects shape and colour."""

    words: str
    sentence: str
    kind: Kind

    @property
    def is_good(self) -> bool:
        """Whether frames arrive and are read, so that the picture needs no text."""
        return self.kind == "good"


def _tr(text: str) -> str:
    return QCoreApplication.translate("States", text)


def condition(snapshot: Snapshot) -> Condition:
    """Describe the state of source and reading."""
    state, problem = str(snapshot.state), _tidy(snapshot.problem)
    seconds = (snapshot.age_ms or 0.0) / 1000.0
    if state == "running" and snapshot.paused:
        return Condition(_tr("Paused"), _tr("The camera keeps running; Space continues reading."), "stopped")
    if state == "running" and snapshot.frame is None:
        waiting = Condition(_tr("No picture yet"), _tr("Waiting for the first one."), "waiting")
        return Condition(_tr("Cannot read"), problem, "warning") if problem else waiting
    if state == "running":
        return Condition(_tr("Running"), "", "good")  # the notice shows problems of the reader
    if state == "stalled":
        words = _tr("No picture for {seconds:.0f} s").format(seconds=seconds)
        return Condition(words, _tr("The camera sends nothing. This is its last picture."), "warning")
    if state == "reconnecting" and snapshot.captured == 0:
        sentence = f"{problem} {_tr('Retrying until it appears; Ctrl+L chooses another source.')}".strip()
        return Condition(_tr("Waiting for the camera …"), sentence, "warning")
    if state == "reconnecting":
        sentence = problem or _tr("The connection was lost. Retrying until the camera responds.")
        return Condition(_tr("Reconnecting …"), sentence, "warning")
    if state == "connecting":
        return Condition(_tr("Connecting …"), problem or source_name(snapshot.source), "waiting")
    if state == "ended" and (snapshot.only_warning or not problem):
        ended = _tr("The source has ended; F5 starts it again.")
        return Condition(_tr("The end"), f"{problem} {ended}".strip(), "stopped")
    reason = problem or _tr("No reason is known.")
    return Condition(_tr("No picture"), f"{reason} {_tr('F5 retries, Ctrl+L chooses another source.')}", "warning")


def what_is_read(snapshot: Snapshot) -> str:
    """Return the sentence below the large text: the confidence of the reading."""
    if snapshot.frame is None:
        return _tr("nothing read yet")
    if snapshot.steady == "":
        return _tr("no digit")
    if snapshot.steady is None:
        return _tr("somebody is drawing …") if snapshot.drawing else _tr("not sure yet …")
    probable = [track.confidence for track in snapshot.tracks if track.digit is not None]
    if not probable:
        return ""
    least = percent_of(min(probable))
    if len(probable) == 1:
        return _tr("mean confidence {least}").format(least=least)
    return _tr("{count} digits, lowest mean confidence {least}").format(count=len(probable), least=least)


def how_old(snapshot: Snapshot) -> str:
    """Return the sentence below an answer that is no longer current, so that nobody takes it for the current one."""
    if snapshot.last is None:
        return _tr("the camera sends nothing")
    seconds = snapshot.last[1]
    if seconds < 1.0:
        return _tr("old: this was less than a second ago")
    if seconds < 1.5:
        return _tr("old: this was a second ago")
    if seconds < 90:
        return _tr("old: this was {seconds:.0f} seconds ago").format(seconds=seconds)
    return _tr("old: this was {minutes:.0f} minutes ago").format(minutes=seconds / 60)


def shown_digit(snapshot: Snapshot) -> ReadDigit | None:
    """Return which of several digits is shown in detail (probabilities, prepared image, maps): the most confident."""
    digits = () if snapshot.reading is None else snapshot.reading.digits
    return surest_of(digits) if len(digits) > 1 else None


def shown_probabilities(snapshot: Snapshot) -> tuple[float, ...]:
    """Return the class probabilities, class 0 first, of the digit shown in detail.

    While a text is steady, they are means over the last frames, times the probability that a digit is there at all: the
    largest is the confidence that `what_is_read` states. Until then they are those of this frame, if there is a digit.
    """
    shown = shown_digit(snapshot)
    tracks = [each for each in snapshot.tracks if each.digit is not None and (shown is None or each.box == shown.box)]
    if not snapshot.steady or len(tracks) != 1:
        return snapshot.probabilities
    return tuple(tracks[0].score * each for each in tracks[0].probabilities)


def mode_of(source: str | Source, remembered: Mode) -> Mode:
    """Return the default mode of a source: for a camera that of the last session, for videos and pictures "page".

    The mode "region" is for a digit held in front of a camera; a video of a page is read as a whole.
    """
    return "page" if isinstance(source, str) and not is_camera(source) else remembered


def percent_of(probability: float) -> str:
    """Format a probability, as everywhere in the window; only an exact 1 is 100%.

    >>> percent_of(0.914), percent_of(0.9996), percent_of(1.0)
    ('91%', '>99%', '100%')
    """
    return ">99%" if 0.995 <= probability < 1.0 else f"{probability:.0%}"


def source_name(source: str) -> str:
    """Return a source as text, without the credentials of an address.

    >>> source_name("rtsp://admin:secret@10.0.0.7/stream")
    'rtsp://10.0.0.7/stream'
    """
    scheme, mark, rest = source.partition("://")
    if not mark:
        return source
    server, slash, path = rest.partition("/")
    return f"{scheme}://{server.rpartition('@')[2]}{slash}{path}"


def _tidy(problem: str | None) -> str:
    """Return the problem on one line, ending with a full stop."""
    line = " ".join((problem or "").split())
    return line if not line or line.endswith((".", "!", "?", "…", ")")) else f"{line}."
