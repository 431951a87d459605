import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.camera.address import Address
from digitlab.camera.opening import open_source
from digitlab.errors import SourceError


def test_an_address_is_taken_apart():
    address = Address.parse("http://me:p%40ss@phone.local:4747/video?320x240&a=b c")
    assert (address.host, address.port, address.path) == ("phone.local", 4747, "/video?320x240&a=b%20c")
    assert (address.user, address.password) == ("me", "p@ss")
    assert address.basic == "Basic bWU6cEBzcw=="


@pytest.mark.parametrize(
    ("text", "port"), [("http://a", 80), ("https://a", 443), ("rtsp://a", 554), ("rtsps://[::1]", 322)]
)
def test_ports_have_their_usual_values(text, port):
    assert Address.parse(text).port == port
    assert Address.parse(text).basic is None


@pytest.mark.parametrize(
    "text",
    ["http://", "ftp://a/b", "http://a:0/", "http://a:99999/", "http://a:b/", "http://[::1/", "video", "http://..a/"],
)
def test_what_is_none(text):
    with pytest.raises(SourceError, match="not an address"):
        Address.parse(text)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_clear_error(text):
    try:
        address = Address.parse("http://" + text)
    except SourceError:
        pass
    else:
        assert all(33 <= ord(sign) < 127 for sign in address.path)


def test_a_password_is_never_shown():
    address = Address.parse("rtsp://me:secret@camera:8554/1")
    assert str(address) == "rtsp://camera:8554/1"
    with pytest.raises(SourceError) as caught:
        Address.parse("http://me:secret@camera:x/1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["rtsp://me@camera:8554/1", "rtsp://me:@camera:8554/1"])
def test_a_password_may_be_in_the_environment_where_other_users_do_not_see_it(text, monkeypatch):
    monkeypatch.setenv("DIGITLAB_CAMERA_PASSWORD", "p@ss:1")
    address = Address.given(text)
    assert (address.user, address.password) == ("me", "p@ss:1")
    assert Address.parse(address.text) == address
    assert str(address) == "rtsp://camera:8554/1"


@pytest.mark.parametrize("text", ["rtsp://camera/1", "rtsp://me:other@camera/1"])
def test_a_password_is_for_the_user_that_an_address_names(text, monkeypatch):
    monkeypatch.setenv("DIGITLAB_CAMERA_PASSWORD", "p@ss")
    assert Address.given(text) == Address.parse(text)
    assert Address.parse("http://me@elsewhere/1").password == ""  # a camera's redirect gets none


@pytest.mark.parametrize(
    "text",
    [
        "http://me:qz/qx@camera/1", "http://me:qz#qx@camera/1", "http://me:qz?qx@camera", "rtsp://me:qz@",
        "http:me:qz@camera", "http://me:qz\u2100qx@camera/1", "ros:ws://me:qz/qx@robot/image",
        "ros:ws://me:qz@robot/image", "ros:ws://me:[qx@robot/image",
    ],
)  # fmt: skip
def test_no_part_of_a_password_is_shown_of_what_is_no_address(text):
    with pytest.raises(SourceError) as caught:
        open_source(text, realtime=True)
    assert "qz" not in str(caught.value)
    assert "qx" not in str(caught.value)
