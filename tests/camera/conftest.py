"""Videos and pictures whose frame number can be seen: frame n is an even grey of 8 n."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

FRAMES = 20


def grey(number):
    return np.full((48, 64, 3), 8 * number, np.uint8)


@pytest.fixture
def greys():
    return [grey(number) for number in range(FRAMES)]


@pytest.fixture
def write_video(tmp_path):
    def write(name="greys.mp4", codec="mp4v", images=None, fps=100):
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), fps, (64, 48))
        assert writer.isOpened()
        for image in images if images is not None else map(grey, range(FRAMES)):
            writer.write(image[:, :, ::-1])
        writer.release()
        return path

    return write


@pytest.fixture
def write_pictures(tmp_path):
    def write(*names) -> Path:
        folder = tmp_path / "pictures"
        folder.mkdir()
        for number, name in enumerate(names):
            Image.fromarray(grey(number)).save(folder / name)
        return folder

    return write
