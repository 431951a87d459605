"""cameraserver.cfg, without Ice."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.camera.ice.properties import properties_in
from digitlab.camera_server import read_server_configuration
from digitlab.errors import RecipeError

THESIS = """\
# as the thesis has it
CameraSrv.Endpoints=default -h 0.0.0.0 -p 9999
CameraSrv.NCameras=1
CameraSrv.Camera.0.Name=cameraA
CameraSrv.Camera.0.ShortDescription=Camera pluged to /dev/video0
CameraSrv.Camera.0.Uri=0
CameraSrv.Camera.0.FramerateN=15
CameraSrv.Camera.0.FramerateD=1
CameraSrv.Camera.0.Format=RGB8
CameraSrv.Camera.0.ImageWidth=640
CameraSrv.Camera.0.ImageHeight=480
CameraSrv.Camera.0.Mirror=1
"""


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "cameraserver.cfg"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_server_configuration(path)

    return read


def test_that_of_the_thesis(read):
    settings = read(THESIS)
    assert settings.endpoints == "default -h 0.0.0.0 -p 9999"
    assert settings.warnings == ()
    (camera,) = settings.cameras
    assert (camera.name, camera.uri, camera.rate, camera.width, camera.height) == ("cameraA", "0", 15.0, 640, 480)
    assert camera.mirror
    assert camera.short_description == "Camera pluged to /dev/video0"


def test_what_is_left_out_is_as_with_jderobot(read):
    settings = read("CameraSrv.Camera.0.Name=a\n")
    (camera,) = settings.cameras
    assert (camera.uri, camera.rate, camera.width, camera.height) == ("0", 25.0, 340, 280)
    assert (camera.format, camera.mirror) == ("RGB8", False)
    assert settings.endpoints == "default -h localhost -p 9999"
    assert settings.warnings == (
        "CameraSrv.Endpoints is missing; listening at 'default -h localhost -p 9999', for this machine only",
    )


def test_several_cameras_and_a_fraction(read):
    settings = read(
        "CameraSrv.Endpoints = tcp -p 1\nCameraSrv.NCameras = 2\n"
        "CameraSrv.Camera.0.Name = a\nCameraSrv.Camera.0.Uri = v4l2:///dev/video1\n"
        "CameraSrv.Camera.1.Name = b\nCameraSrv.Camera.1.FramerateN = 30000\nCameraSrv.Camera.1.FramerateD = 1001\n"
    )
    assert [camera.name for camera in settings.cameras] == ["a", "b"]
    assert settings.cameras[0].uri == "/dev/video1"
    assert settings.cameras[1].rate == pytest.approx(29.97, abs=0.01)


def test_what_is_not_used_is_named(read):
    settings = read(
        THESIS.replace("RGB8", "YUY2") + "CameraSrv.Camera.0.Colour=red\nCameraSrv.Camera.1.Name=b\n"
        "CameraSrv.DefaultMode=1\nNamingService.Enabled=0\nIce.Plugin.X=evil:create\nTypo=1\n"
    )
    assert settings.cameras[0].format == "RGB8"
    assert settings.warnings == (
        "CameraSrv.Camera.0.Format is 'YUY2'; it is served as RGB8, RGB8_Z, GRAY8",
        "CameraSrv.Camera.0.Colour: unknown, not used",
        "CameraSrv.Camera.1.Name: not used; CameraSrv.NCameras is 1",
        "CameraSrv.DefaultMode: not used; pictures are requested, never published",
        "NamingService.Enabled: not used; there is no naming service; clients give the endpoint",
        "Ice.Plugin.X: not used; digitlab configures Ice itself",
        "Typo: unknown, not used",
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("NCameras=1", "NCameras=one", r"CameraSrv\.NCameras is 'one'; expected a whole number from 1 to 64"),
        ("NCameras=1", "NCameras=0", r"NCameras is '0'"),
        ("NCameras=1", "NCameras=" + "9" * 5000, r"NCameras is '9+'; expected"),
        (
            "NCameras=1",
            "NCameras=2",
            r"CameraSrv\.Camera\.1\.Name is missing; expected e\.g\. CameraSrv\.Camera\.1\.Name=",
        ),
        ("Width=640", "Width=640px", r"CameraSrv\.Camera\.0\.ImageWidth is '640px'; expected a whole number"),
        ("FramerateD=1", "FramerateD=0", r"FramerateD is '0'"),
        ("Mirror=1", "Mirror=yes", r"Mirror is 'yes'; expected a whole number from 0 to 1"),
        ("Name=cameraA", "Name=", r"Name is missing"),
        ("Name=cameraA", "Name=a/b", r"Name is 'a/b'; expected a name without"),
        ("CameraSrv", "Cameraserver", r"no line begins with CameraSrv"),
        ("NCameras=1", "NCameras", r"line 3 is 'CameraSrv\.NCameras'; expected NAME=VALUE"),
    ],
)
def test_a_value_of_the_wrong_kind(read, old, new, message):
    with pytest.raises(RecipeError, match=message) as caught:
        read(THESIS.replace(old, new))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_two_cameras_of_one_name(read):
    with pytest.raises(RecipeError, match="two cameras are called 'cameraA'"):
        read(THESIS.replace("NCameras=1", "NCameras=2") + "CameraSrv.Camera.1.Name=cameraA\n")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0\0", b"a\0=1", b"#" * 200_000])
def test_what_is_no_configuration(read, content):
    with pytest.raises(RecipeError):
        read(content)


def test_no_file(tmp_path):
    for path in (tmp_path / "no.cfg", tmp_path):
        with pytest.raises(RecipeError, match="expected a configuration file"):
            read_server_configuration(path)


def test_signs_that_are_escaped():
    text = "a = 1 # one\n\\#b\\=c = \\ d\\\\e\\#f \\\n  # nothing\nwindows=C:\\dir\nempty=\n"
    assert properties_in(text, "x") == {"a": "1", "#b=c": " d\\e#f \\", "windows": "C:\\dir", "empty": ""}


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(RecipeError):
        assert all(properties_in(text, "x.cfg"))


@given(
    st.dictionaries(st.from_regex(r"[A-Za-z.0-9]{1,9}", fullmatch=True), st.text("ab#=\\ é", max_size=9), max_size=4)
)
def test_what_is_written_is_read(values):
    def escaped(text):
        return "".join(f"\\{sign}" if sign in "#=\\ " else sign for sign in text)

    lines = "".join(f"{name} = {escaped(value)}\n" for name, value in values.items())
    assert properties_in(lines, "x") == values
