"""Pictures of all kinds to the API: data URLs, files of several pages, and what the server has no decoder for."""

from __future__ import annotations

import base64
import io
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

import numpy as np
import pytest
from PIL import Image, ImageDraw

from digitlab.apps.web.pictures import picture_bytes
from digitlab.apps.web.problems import ProblemError

if TYPE_CHECKING:
    from tests.apps.web.conftest import Running


def drawn(format_: str, pages: int = 1, **options: object) -> bytes:
    """Pages with a 1 each, as a file."""
    page, stream = Image.new("RGB", (200, 200), "white"), io.BytesIO()
    ImageDraw.Draw(page).line((100, 40, 100, 160), "black", 14)
    more = {"save_all": True, "append_images": [page] * (pages - 1)} if pages > 1 else {}
    page.save(stream, format_, **more, **options)
    return stream.getvalue()


PNG = drawn("PNG")
URL = b"data:image/png;base64," + base64.b64encode(PNG)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (PNG, b"image/png"),
        (URL, b"text/plain"),
        (b"\n" + URL + b"\n", b""),
        (URL.replace(b"data:image", b"DATA:image"), b"image/png"),
        (URL.replace(b"+", b"%2B").replace(b"=", b"%3D").replace(b"%3Dbase64", b"=base64"), b"text/plain"),
        (b"data:image/png," + quote_from_bytes(PNG).encode(), b"text/plain"),
        (b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\n' + URL + b"\r\n--x--\r\n",
         b"multipart/form-data; boundary=x"),
    ],
)  # fmt: skip
def test_a_data_url_is_the_picture_that_it_holds(body: bytes, kind: bytes) -> None:
    assert picture_bytes(body, kind) == PNG


@pytest.mark.parametrize("body", [b"data:image/png;base64,###", URL[:-3], b"data:;base64,\xff\xff"])
def test_a_damaged_data_url_is_refused(body: bytes) -> None:
    with pytest.raises(ProblemError, match="is not base64") as refused:
        picture_bytes(body, b"")
    assert refused.value.status == 400


def test_other_text_is_no_data_url() -> None:
    for body in (b"data: nothing", b"data:" + b"x" * 500 + b",", b"database,", b""):
        assert picture_bytes(body, b"text/plain") == body


@pytest.mark.parametrize("path", ["/v1/read", "/v1/classify"])
@pytest.mark.parametrize("format_", ["TIFF", "PDF"])
def test_of_several_pages_the_first_is_read_and_the_answer_says_so(server: Running, path: str, format_: str) -> None:
    with server.client() as client:
        assert client.post(path, content=drawn(format_)).json()["note"] is None
        told = client.post(path, content=drawn(format_, 3)).json()
    assert told["note"] == "page 1 of 3 was read"
    assert "1" in told["text"] if path == "/v1/read" else told["digit"] == 1


@pytest.mark.parametrize("format_", ["GIF", "PPM", "JPEG2000", "AVIF"])
def test_kinds_of_pictures(server: Running, format_: str) -> None:
    with server.client() as client:
        assert client.post("/v1/classify", content=drawn(format_)).json()["digit"] == 1


def two_pages(format_: str) -> bytes:
    """A 1, and a page without a digit."""
    digit, empty, stream = Image.new("RGB", (200, 200), "white"), Image.new("RGB", (120, 300), "white"), io.BytesIO()
    ImageDraw.Draw(digit).line((100, 40, 100, 160), "black", 14)
    empty.save(stream, format_, save_all=True, append_images=[digit])
    return stream.getvalue()


@pytest.mark.parametrize("format_", ["TIFF", "PDF"])
def test_a_page_is_asked_for_by_its_number(server: Running, format_: str) -> None:
    content = two_pages(format_)
    with server.client() as client:
        for path in ("/v1/read", "/v1/classify", "/v1/inspect", "/v1/filters"):
            told = [client.post(f"{path}?page={page}", content=content) for page in (1, 2)]
            assert [answer.status_code for answer in told] == [200, 200], path
            if path == "/v1/read":
                assert [answer.json()["text"] for answer in told] == ["", "1"]
                assert [(answer.json()["page"], answer.json()["pages"]) for answer in told] == [(1, 2), (2, 2)]
                assert told[1].json()["note"] == "page 2 of 2 was read"
            if path == "/v1/classify":
                assert [answer.json()["digit"] for answer in told] == [None, 1]
        for path in ("/v1/read", "/v1/classify", "/v1/picture"):
            refused = client.post(f"{path}?page=3", content=content)
            assert refused.status_code == 422
            assert "there is no page 3; the file has 2 pages" in refused.json()["detail"]
            for wrong in ("0", "-1", "two", "10001", "1e3", "99999999999999999999"):
                assert client.post(f"{path}?page={wrong}", content=content).status_code == 422, (path, wrong)


@pytest.mark.parametrize("format_", ["TIFF", "PDF", "AVIF", "JPEG2000"])
def test_what_a_browser_cannot_show_becomes_a_jpeg(server: Running, format_: str) -> None:
    several = format_ in ("TIFF", "PDF")
    content = two_pages(format_) if several else drawn(format_)
    with server.client() as client:
        answer = client.post("/v1/picture" + ("?page=2" if several else ""), content=content)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["digitlab-pages"] == ("2" if several else "1")
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.format == "JPEG"
    assert picture.width == picture.height
    assert np.asarray(picture.convert("L")).min() < 60


@pytest.mark.parametrize(("size", "sent"), [((2000, 500), (1600, 400)), ((5000, 1), (1600, 1)), ((1, 4000), (1, 1600))])
def test_a_large_page_is_sent_no_larger_than_it_is_read(
    server: Running, size: tuple[int, int], sent: tuple[int, int]
) -> None:
    stream = io.BytesIO()
    Image.new("RGB", size, "white").save(stream, "TIFF")
    with server.client() as client:
        answer = client.post("/v1/picture", content=stream.getvalue())
        assert client.post("/v1/picture", content=b"no picture").status_code == 422
    assert Image.open(io.BytesIO(answer.content)).size == sent


def test_what_the_server_lacks_is_said_without_its_folders(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    content = drawn("PDF")
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with server.client() as client:
        answer = client.post("/v1/read", content=content)
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith('a PDF file needs the extra "pdf", which is not installed on the server')
