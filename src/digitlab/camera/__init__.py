"""Sources of frames: the protocol `Source` and its implementations.

    with NewestFrame(open_source("http://phone:4747/video", realtime=True), reconnect=True) as frames:
        frame = frames.get(timeout=1.0)
        print(frames.state)                 # running

Webcams, video files, folders of pictures, recordings, MJPEG and RTSP streams, JdeRobot cameras over Ice, ROS cameras,
and a drawn page of digits that needs no camera; `open_source` describes the syntax of each.
"""

from __future__ import annotations

from digitlab.camera.capture import RtspStream
from digitlab.camera.folder import ImageFolder
from digitlab.camera.mjpeg import MjpegStream
from digitlab.camera.newest import Keep, NewestFrame
from digitlab.camera.opening import is_camera, open_source
from digitlab.camera.playback import Recorded
from digitlab.camera.recording import FrameRecorder, Recording
from digitlab.camera.source import Source, SourceState
from digitlab.camera.synthetic import SyntheticPage
from digitlab.camera.video import VideoFile
from digitlab.camera.webcam import Device, Webcam, list_devices

__all__ = [
    "Device", "FrameRecorder", "ImageFolder", "Keep", "MjpegStream", "NewestFrame", "Recorded", "Recording",
    "RtspStream", "Source", "SourceState", "SyntheticPage", "VideoFile", "Webcam", "is_camera",
    "list_devices", "open_source",
]  # fmt: skip
