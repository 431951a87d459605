import pytest

from digitlab.camera import Device, list_devices, webcam


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Linux' list of video devices; what each node captures is said by its number."""
    monkeypatch.setattr("sys.platform", "linux")

    def make(names, captures=lambda _: True):
        for number, name in names.items():
            (tmp_path / f"video{number}").mkdir()
            (tmp_path / f"video{number}" / "name").write_text(name + "\n")
        monkeypatch.setattr(webcam, "captures_video", lambda node: captures(int(node.name.removeprefix("video"))))
        return tmp_path

    return make


def test_devices_have_their_names_and_the_order_of_their_numbers(system):
    folder = system({10: "Phone", 0: "Built-in camera: HD", 2: ""})
    (folder / "v4l-subdev0").mkdir()
    assert list_devices(folder) == (
        Device("0", "Built-in camera: HD"),
        Device("2", "camera 2"),
        Device("10", "Phone"),
    )


def test_nodes_that_give_no_pictures_are_left_out_and_unknown_ones_are_not(system):
    folder = system({0: "a", 1: "a (metadata)", 2: "b"}, {0: True, 1: False, 2: None}.get)
    assert [device.source for device in list_devices(folder)] == ["0", "2"]


def test_a_system_without_cameras_has_an_empty_list(system, tmp_path):
    assert list_devices(tmp_path / "nothing") == ()


def test_what_is_no_video_device_captures_nothing(tmp_path):
    (tmp_path / "video0").write_text("")
    assert webcam.captures_video(tmp_path / "video0") is False
    assert webcam.captures_video(tmp_path / "video1") is False


@pytest.mark.parametrize(
    ("device", "node", "captures"),
    [(1, 0, True), (0x84000001, 0x04A00000, False), (0x84000000, 1, True), (2, 0, False)],
)
def test_the_word_of_the_driver_decides(tmp_path, monkeypatch, device, node, captures):
    import fcntl
    import struct

    (tmp_path / "video0").write_text("")
    monkeypatch.setattr(fcntl, "ioctl", lambda *_: bytes(84) + struct.pack("=II", device, node) + bytes(12))
    assert webcam.captures_video(tmp_path / "video0") is captures


def test_elsewhere_numbers_are_tried(monkeypatch):
    class Capture:
        def __init__(self, number):
            self.number = number

        def isOpened(self):  # noqa: N802 - OpenCV's
            return self.number == 1

        def release(self):
            pass

    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("cv2.VideoCapture", Capture)
    assert list_devices() == (Device("1", "camera 1"),)
