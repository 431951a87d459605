"""`digitlab serve --class`: pupils draw on their phones, their digits appear on a wall, and a teacher keeps them.

values      pupils, sketches, drawings; what is refused
classroom   the class itself, without HTTP
links       the addresses and the QR code by which pupils find it
pictures    from what a phone sends to what the wall shows and a network takes
messages    what goes over the wire
serving     the class of one server: readings, streams of changes, the file of what is kept
routes      who may ask what: pupils with their key, the teacher with the token

A pupil joins with the class's code and a nickname and gets a secret key, which opens the own drawings and nothing else.
What is drawn at the moment is a *sketch*; one that is handed in is a *drawing*, labelled by the task. All of it is in
memory alone, until the teacher keeps it.
"""

from __future__ import annotations

from digitlab.apps.web.classroom.classroom import Classroom
from digitlab.apps.web.classroom.values import ClassLimits

__all__ = ["ClassLimits", "Classroom"]
