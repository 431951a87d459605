# ruff: noqa: A002, ARG002, C901, N802 - names and arguments are Ice's, and what is derived needs `Ice` imported before
"""A camera server of its own, directly on zeroc-ice with definitions of its own: what our client is tried against.

    python jderobot_server.py FOLDER [--without-md5sum] [--sliced] [--port N]

Writes its port on stdout and serves until it is killed. Each camera behaves in a way of its own, see `Cameras`.
"""

import argparse
import sys
import threading
import time
import zlib
from pathlib import Path

SLICE = """
module jderobot {
  struct Time { long seconds; long useconds; };
  sequence<byte> ByteSeq;
  exception JderobotException { string what; };
  exception DataNotExistException extends JderobotException {};
  exception HardwareFailedException extends JderobotException {};
  class ImageDescription { int width; int height; int size; string format; MD5SUM };
  class ImageData { Time timeStamp; ImageDescription description; ByteSeq pixelData; };
  sequence<string> ImageFormat;
  interface ImageProvider {
    idempotent ImageDescription getImageDescription();
    idempotent ImageFormat getImageFormat();
    idempotent ImageData getImageData(string format) throws DataNotExistException, HardwareFailedException;
  };
  interface Motors { float getV(); };
};
"""

WIDTH, HEIGHT = 64, 48


def rows(count):
    """48 rows of 64 pixels RGB: the first row red, the rest (10, 20, 30), the last pixel's red the picture's number."""
    pixels = bytearray(bytes((10, 20, 30)) * (WIDTH * HEIGHT))
    pixels[: 3 * WIDTH] = bytes((255, 0, 0)) * WIDTH
    pixels[-3] = count % 256
    return bytes(pixels)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--without-md5sum", action="store_true")
    arguments.add_argument("--sliced", action="store_true")
    arguments.add_argument("--port", type=int, default=0)
    given = arguments.parse_args()

    import Ice  # type: ignore[import-untyped]

    definitions = given.folder / f"camera-{given.without_md5sum}.ice"
    definitions.write_text(SLICE.replace("MD5SUM", "" if given.without_md5sum else "string md5sum;"))
    Ice.loadSlice("", [str(definitions)])
    import jderobot  # type: ignore[import-not-found]

    md5 = [] if given.without_md5sum else ["d41d8cd98f00b204e9800998ecf8427e"]

    class Camera(jderobot.ImageProvider):
        """The honest one; the others differ in a part. Sizes in descriptions are garbage, as some real servers' are."""

        formats: tuple[str, ...] = ("RGB8", "RGB8_Z")
        wait = 0.02

        def __init__(self):
            self.count = 0

        def getImageDescription(self, current=None):
            return jderobot.ImageDescription(WIDTH, HEIGHT, -77, "RGB8", *md5)

        def getImageFormat(self, current=None):
            return list(self.formats)

        def getImageData(self, format, current=None):
            if format not in self.formats:
                raise jderobot.DataNotExistException(f"no {format} here")
            time.sleep(self.wait)
            self.count += 1
            return self.answer(format)

        def answer(self, format):
            return self.data(WIDTH, HEIGHT, format, self.pixels())

        def pixels(self):
            return rows(self.count)

        def stamp(self):
            return divmod(time.time_ns() // 1000, 1_000_000)

        def data(self, width, height, format, pixels):
            described = jderobot.ImageDescription(width, height, -77, format, *md5)
            return jderobot.ImageData(jderobot.Time(*self.stamp()), described, pixels)

    class Grey(Camera):
        formats = ("GRAY8",)

        def pixels(self):
            return rows(self.count)[::3]

    class Blue(Camera):
        formats = ("HSV8", "BGR8")

        def pixels(self):
            swapped = bytearray(rows(self.count))
            swapped[::3], swapped[2::3] = swapped[2::3], swapped[::3]
            return bytes(swapped)

    class Packed(Camera):
        formats = ("RGB8_Z",)

        def pixels(self):
            return zlib.compress(rows(self.count))

    class Bomb(Packed):
        def pixels(self):
            return zlib.compress(bytes(50_000_000))

    class Yuy2(Camera):
        formats = ("YUY2",)

        def pixels(self):
            return bytes((81, 128, 81, 128)) * (WIDTH * HEIGHT // 2)

    class Strange(Camera):
        formats = ("H264", "DEPTH8_16")

    class Short(Camera):
        def pixels(self):
            return rows(self.count)[:-1]

    class Huge(Camera):
        def answer(self, format):
            return self.data(2**31 - 1, 2**31 - 1, format, b"")

    class Negative(Camera):
        def answer(self, format):
            return self.data(-64, -48, format, rows(self.count))

    class Nothing(Camera):
        def answer(self, format):
            return None

    class Undescribed(Camera):
        def answer(self, format):
            return jderobot.ImageData(jderobot.Time(0, 0), None, b"")

    class Flood(Camera):
        def pixels(self):
            return bytes(70_000_000)

    class Frozen(Camera):
        """Two pictures, then the second for ever, at once."""

        wait = 0.0

        def stamp(self):
            return (1_500_000_000, min(self.count, 2))

        def pixels(self):
            return rows(min(self.count, 2))

    class Unstamped(Camera):
        def stamp(self):
            return (0, 0)

        def pixels(self):
            return rows(0)

    class Broken(Camera):
        def getImageData(self, format, current=None):
            raise jderobot.HardwareFailedException("the lens\nfell off")

    class Hanging(Camera):
        def getImageData(self, format, current=None):
            return Ice.Future()

    class Motors(jderobot.Motors):
        def getV(self, current=None):
            return 0.0

    data = Ice.InitializationData()
    data.properties = Ice.createProperties()
    data.properties.setProperty("Ice.ThreadPool.Server.Size", "4")
    data.properties.setProperty("Ice.MessageSizeMax", "200000")
    if given.sliced:
        data.properties.setProperty("Ice.Default.SlicedFormat", "1")
    communicator = Ice.initialize(data)
    adapter = communicator.createObjectAdapterWithEndpoints("Cameras", f"tcp -h 127.0.0.1 -p {given.port}")
    kinds = (
        Camera,
        Grey,
        Blue,
        Packed,
        Bomb,
        Yuy2,
        Strange,
        Short,
        Huge,
        Negative,
        Nothing,
        Undescribed,
        Flood,
        Frozen,
    )
    for kind in (*kinds, Unstamped, Broken, Hanging, Motors):
        adapter.add(kind(), Ice.stringToIdentity(kind.__name__.lower()))
    adapter.activate()
    sys.stdout.write(f"{adapter.getEndpoints()[0].getInfo().port}\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
