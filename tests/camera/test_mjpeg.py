import contextlib
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from digitlab.camera import MjpegStream, NewestFrame, SourceState
from digitlab.errors import SourceError, WrongSourceError
from faulty_camera import FaultyCamera, card


def level(frame):
    """Which card this is, see `card`."""
    return round(float(np.median(frame.image)) / 8)


@pytest.fixture
def camera():
    with FaultyCamera(rate=100) as running:
        yield running


@pytest.fixture
def site():
    """Starts a web server whose answers a function gives: it is told the path, and writes."""
    servers = []

    def start(answer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                with contextlib.suppress(ConnectionError):  # whoever has seen enough hangs up
                    answer(self)
                self.close_connection = True

            def log_message(self, *arguments):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"127.0.0.1:{server.server_address[1]}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(handler, status=200, body=b"", **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def part(picture, boundary=b"b"):
    return b"--" + boundary + b"\r\nContent-Type: image/jpeg\r\n\r\n" + picture + b"\r\n"


def stream(handler, pictures, boundary="b"):
    answer(handler, Content_Type=f"multipart/x-mixed-replace; boundary={boundary}")
    for picture in pictures:
        handler.wfile.write(part(picture))
        time.sleep(0.02)


def refused(address):
    with pytest.raises(SourceError) as caught, MjpegStream(address):
        pass
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_pictures_come_in_order_with_the_time_of_their_capture(camera):
    with MjpegStream(camera.address) as source:
        frames = [source.read() for _ in range(5)]
        now = time.monotonic()
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4]
    assert [level(frame) for frame in frames] == sorted(level(frame) for frame in frames)
    assert all(now - 5 < frame.captured <= now for frame in frames)
    assert frames[0].image.shape == (240, 320, 3)
    assert source.read() is None


@pytest.mark.parametrize("fault", ["halves", "lengths", "no lengths", "sizes"])
def test_faults_in_the_stream_do_not_end_it(camera, fault):
    camera.fault = fault
    with MjpegStream(camera.address) as source:
        frames = [source.read() for _ in range(6)]
    if fault == "sizes":
        assert len({frame.image.shape for frame in frames}) > 1
    else:
        assert {frame.image.shape for frame in frames} == {(240, 320, 3)}
    assert (source.damaged > 0) == (fault == "halves")


def test_garbage_is_passed_over(camera):
    with MjpegStream(camera.address) as source:
        source.read()
        camera.fault = "garbage"
        threading.Timer(0.2, setattr, (camera, "fault", "none")).start()
        assert {source.read().image.shape for _ in range(40)} == {(240, 320, 3)}
    assert source.damaged > 0


def test_a_cut_in_mid_frame_is_an_error_that_names_the_camera(camera):
    with MjpegStream(camera.address) as source:
        source.read()
        camera.fault = "cut"
        with pytest.raises(SourceError, match=rf"^{camera.address}: .*was interrupted"):
            list(iter(source.read, None))


def test_a_slow_reader_gets_the_newest():
    with FaultyCamera(rate=200) as camera, MjpegStream(camera.address) as source:
        source.read()
        while camera.sent < 100:
            time.sleep(0.01)
        sent, reads, place = camera.sent, 1, 0
        while place < sent - 3:  # at once, unless the machine is too busy for it
            frame = source.read()
            place = source.passed + reads  # of this picture, counted from 0: all before it were passed over or read
            reads += 1
            assert level(frame) == place % 32
        assert reads <= sent / 4


def test_close_ends_a_read_that_waits(camera):
    source = MjpegStream(camera.address)
    with source:
        source.read()
        camera.fault = "frozen"
        threading.Timer(0.1, source.close).start()
        before = time.monotonic()
        while source.read() is not None:
            pass
        assert time.monotonic() - before < 2.0


def test_close_ends_an_open_that_waits(camera):
    camera.fault = "silent"
    source = MjpegStream(camera.address)
    threading.Timer(0.1, source.close).start()
    before = time.monotonic()
    with pytest.raises(SourceError):
        source.open()
    assert time.monotonic() - before < 2.0


def test_a_server_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr("digitlab.camera.mjpeg._FIRST_TIMEOUT", 0.3)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        assert "did not answer within 0.3 s" in refused(f"http://127.0.0.1:{deaf.getsockname()[1]}/video")


def test_nobody_there():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert "refuses the connection" in refused(f"http://127.0.0.1:{closed.getsockname()[1]}/")


def test_a_server_that_speaks_something_else():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        def speak():
            connection, _ = other.accept()
            connection.recv(1000)
            connection.sendall(b"220 mail.example.org ESMTP\r\n")
            connection.close()

        thread = threading.Thread(target=speak)
        thread.start()
        assert "does not speak HTTP" in refused(f"http://127.0.0.1:{other.getsockname()[1]}/")
        thread.join()


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({"Content_Type": "text/html", "body": b"<html>busy</html>"}, "is a page, not a stream"),
        ({"Content_Type": "video/mp4", "body": b"...."}, r"is a file \(video/mp4\)"),
        ({"Content_Type": "image/jpeg", "body": card(0)}, "a single picture"),
        ({"status": 404}, "answers 404 Not Found; check the path"),
        ({"status": 401, "WWW_Authenticate": 'Basic realm="x"'}, "asks for a name and password"),
        ({"status": 401, "WWW_Authenticate": 'Digest realm="x"'}, "asks for Digest authentication"),
        ({"status": 302, "Location": "file:///etc/passwd"}, "redirects to 'file:///etc/passwd', which is not a stream"),
        ({"status": 302, "Location": "/again"}, "redirects more than 3 times"),
        ({"status": 302}, "redirects without a target"),
    ],
)
def test_what_is_no_stream_is_named(site, reply, expected):
    place = site(lambda handler: answer(handler, **reply))
    assert re.search(expected, refused(f"http://{place}/video"))


def test_a_redirect_to_a_file_is_refused(site):
    def reply(handler):
        if handler.path == "/video":
            answer(handler, 302, Location="/film.mp4")
        else:
            answer(handler, Content_Type="video/mp4", body=b"....")

    assert "is a file (video/mp4), not a stream" in refused(f"http://{site(reply)}/video")


def test_a_redirect_to_the_stream_is_followed_with_its_password(site):
    def reply(handler):
        if handler.headers.get("Authorization") != "Basic bWU6c2VjcmV0":
            answer(handler, 401, WWW_Authenticate="Basic")
        elif handler.path == "/":
            answer(handler, 302, Location="/stream?size=1")
        else:
            stream(handler, [card(3)] * 3)

    place = site(reply)
    with MjpegStream(f"http://me:secret@{place}/") as source:
        assert level(source.read()) == 3
    text = refused(f"http://me:wrong@{place}/")
    assert "rejects this name and password" in text
    assert "wrong" not in text


def test_a_password_is_not_carried_to_another_host(site):
    seen = []

    def elsewhere(handler):
        seen.append(handler.headers.get("Authorization"))
        stream(handler, [card(1)] * 3)

    target = site(elsewhere)
    place = site(lambda handler: answer(handler, 307, Location=f"http://{target}/s"))
    with MjpegStream(f"http://me:secret@{place}/") as source:
        source.read()
    assert seen == [None]


def test_a_boundary_that_was_announced_otherwise_does_no_harm(site):
    place = site(lambda handler: stream(handler, [card(1), card(2), card(3)], boundary="--something else"))
    with MjpegStream(f"http://{place}/") as source:
        assert level(source.read()) == 1


def test_a_stream_in_chunks(site):
    def reply(handler):
        answer(handler, Content_Type="multipart/x-mixed-replace; boundary=b", Transfer_Encoding="chunked")
        data = part(card(5)) + part(card(5))
        for start in range(0, len(data), 700):
            piece = data[start : start + 700]
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    with MjpegStream(f"http://{site(reply)}/") as source:
        assert level(source.read()) == 5


def test_a_picture_that_cannot_be_decoded_is_counted_and_left_out(site):
    hollow = card(1)
    at = hollow.index(b"\xff\xda")
    hollow = hollow[:2] + hollow[at:]  # whole for who follows the marks, and without tables
    place = site(lambda handler: stream(handler, [hollow, hollow, card(2)]))
    with MjpegStream(f"http://{place}/") as source:
        assert level(source.read()) == 2
        assert source.damaged == 2


def test_the_last_picture_of_a_stream_is_not_lost(site):
    place = site(lambda handler: stream(handler, [card(1), card(2)]))
    with MjpegStream(f"http://{place}/") as source:
        time.sleep(0.2)
        assert level(source.read()) == 2
        with pytest.raises(SourceError, match="was interrupted"):
            source.read()


def test_reading_before_opening_is_an_error():
    with pytest.raises(SourceError, match="before it was opened"):
        MjpegStream("http://127.0.0.1/").read()


def test_a_killed_server_is_read_again(camera):
    with NewestFrame(MjpegStream(camera.address), reconnect=True) as frames:
        assert frames.get(timeout=5) is not None
        camera.switch_off()
        while frames.state is not SourceState.RECONNECTING:
            frames.get(timeout=0.05)
        assert "refuses" in frames.problem or "was interrupted" in frames.problem
        camera.switch_on()
        back = time.monotonic()
        while frames.state is not SourceState.RUNNING:
            assert time.monotonic() - back < 3.0
            frames.get(timeout=0.05)
        assert (frames.problem, frames.reconnects) == (None, 1)


def test_a_camera_of_one_picture_in_three_seconds_is_reconnected_once_and_then_read(site):
    asked = []

    def reply(handler):
        asked.append(time.monotonic())
        answer(handler, Content_Type="multipart/x-mixed-replace; boundary=b")
        for number in range(4):
            handler.wfile.write(part(card(number)))
            time.sleep(3.0)

    with NewestFrame(MjpegStream(f"http://{site(reply)}/"), keep="all", reconnect=True) as frames:
        assert [level(frames.get(timeout=9)) for _ in range(5)] == [0, 0, 1, 2, 3]
    assert len(asked) == 2


def test_a_stream_that_sends_nothing_more_is_an_error(site, monkeypatch):
    monkeypatch.setattr("digitlab.camera.http_stream._SILENT_FOR", 0.3)

    def reply(handler):
        stream(handler, [card(1)])
        time.sleep(1.0)

    with MjpegStream(f"http://{site(reply)}/") as source:
        source.read()
        with pytest.raises(SourceError, match=r"sent nothing for 0\.3 s"):
            source.read()


@pytest.mark.parametrize(
    ("reply", "final"),
    [
        ({"status": 401, "WWW_Authenticate": "Basic"}, True),
        ({"Content_Type": "image/jpeg"}, True),
        ({"Content_Type": "video/mp4"}, True),
        ({"status": 404}, False),
        ({"status": 503}, False),
        ({"Content_Type": "text/html"}, False),
    ],
)
def test_which_answers_are_final(site, reply, final):
    source = MjpegStream(f"http://{site(lambda handler: answer(handler, **reply))}/")
    with pytest.raises(SourceError) as caught:
        source.open()
    assert isinstance(caught.value, WrongSourceError) is final
