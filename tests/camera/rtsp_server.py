"""A small RTSP server (RFC 2326) that sends JPEG pictures over RTP (RFC 2435) in the same connection."""

import contextlib
import socket
import struct
import threading

import cv2
import numpy as np

_LIMIT = 60_000  # bytes of a picture that go into one packet


class RtspServer:
    """Serves rtsp://127.0.0.1:PORT/cam, evenly grey pictures of 320×240; `frozen` stops them without a word."""

    def __init__(self):
        self.port = 0
        self.frozen = False
        self.threads = []
        self.connections = []

    def __enter__(self):
        self.switch_on()
        return self

    def __exit__(self, *error):
        self.switch_off()

    @property
    def address(self):
        return f"rtsp://127.0.0.1:{self.port}/cam"

    def switch_on(self):
        self.off = threading.Event()
        self.listening = socket.socket()
        self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listening.bind(("127.0.0.1", self.port))
        self.listening.listen()
        self.port = self.listening.getsockname()[1]
        self.begin(self.accept, self.listening, self.off)

    def switch_off(self):
        self.off.set()
        for connection in (self.listening, *self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        while self.threads:
            self.threads.pop().join(5)
        self.connections.clear()

    def begin(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self, listening, off):
        while not off.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            self.connections.append(connection)
            self.begin(self.serve, connection, off)

    def serve(self, connection, off):
        sending = threading.Lock()
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            while (request := self.request(lines)) is not None:
                reply = self.reply(*request)
                with sending:
                    connection.sendall(reply)
                if request[0] == "PLAY":
                    self.begin(self.play, connection, sending, off)

    def request(self, lines):
        method = lines.readline().decode("latin-1").split(" ")[0]
        headers = {}
        while line := lines.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return (method, headers) if method else None

    def reply(self, method, headers):
        extra, body, status = "Session: 1\r\n", "", "200 OK"
        if method == "OPTIONS":
            extra = "Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif method == "DESCRIBE":
            body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track\r\n"
            extra = f"Content-Base: {self.address}/\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP" and "TCP" not in headers.get("transport", ""):
            status = "461 Unsupported transport"
        elif method == "SETUP":
            extra += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        return f"RTSP/1.0 {status}\r\nCSeq: {headers.get('cseq', '0')}\r\n{extra}\r\n{body}".encode()

    def play(self, connection, sending, off):
        with contextlib.suppress(OSError):
            number = 0
            while not off.wait(0.04):
                if not self.frozen:
                    packet = rtp_packet(number)
                    with sending:
                        connection.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                    number += 1


def rtp_packet(number):
    """One picture as one packet."""
    tables, scan = taken_apart(bytes(cv2.imencode(".jpg", np.full((240, 320, 3), 8 * (number % 32), np.uint8))[1]))
    assert len(scan) < _LIMIT
    rtp = struct.pack(">BBHII", 0x80, 0x80 | 26, number & 0xFFFF, number * 3600, 1)
    jpeg = struct.pack(">IBBBB", 0, 1, 255, 320 // 8, 240 // 8)  # type 1: 4:2:0; 255: the tables are in the packet
    return rtp + jpeg + struct.pack(">BBH", 0, 0, len(tables)) + tables + scan


def taken_apart(picture):
    """Quantisation tables and coded data of a JPEG picture."""
    at, tables = 2, b""
    while True:
        code, length = picture[at + 1], int.from_bytes(picture[at + 2 : at + 4])
        segment = picture[at + 4 : at + 2 + length]
        if code == 0xDB:
            tables += b"".join(segment[start + 1 : start + 65] for start in range(0, len(segment), 65))
        at += 2 + length
        if code == 0xDA:
            return tables, picture[at:-2]
