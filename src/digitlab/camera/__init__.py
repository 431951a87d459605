"""Where frames come from: one protocol, `Source`, and what speaks it.

    with NewestFrame(open_source("page.mp4", realtime=True)) as frames:
        frame = frames.get(timeout=1.0)

Video files, folders of pictures and recorded frames work in this version.
"""

from __future__ import annotations

from digitlab.camera.folder import ImageFolder
from digitlab.camera.newest import Keep, NewestFrame
from digitlab.camera.opening import open_source
from digitlab.camera.playback import Playback, Recorded
from digitlab.camera.source import Source
from digitlab.camera.video import VideoFile

__all__ = ["ImageFolder", "Keep", "NewestFrame", "Playback", "Recorded", "Source", "VideoFile", "open_source"]
