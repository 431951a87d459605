"""`digitlab serve --class`: pupils draw on their phones, their digits appear on a wall, and a teacher keeps them.

values      pupils, sketches, drawings; the reasons of refusals
classroom   the class itself, without HTTP
links       the addresses and the QR code by which pupils find it
pictures    from a phone's picture to what the wall shows and a network takes
messages    the messages of the API
serving     the class of one server: readings, streams of changes, the file of kept drawings
routes      the routes: pupils authenticate with their key, the teacher with the token

A pupil joins with the class's code and a nickname and gets a secret key, which opens this pupil's drawings and nothing
else. A picture that is being drawn is a *sketch*; once handed in it is a *drawing*, labelled by the task. All of it is
only in memory until the teacher keeps it.
"""

from __future__ import annotations

from digitlab.apps.web.classroom.classroom import Classroom
from digitlab.apps.web.classroom.values import ClassLimits

__all__ = ["ClassLimits", "Classroom"]
