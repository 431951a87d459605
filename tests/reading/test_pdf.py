"""Pages of PDF files: each is a picture; a hostile file takes only the process along that draws it."""

from __future__ import annotations

import importlib.util
import io
import resource
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from digitlab.errors import ImageError
from digitlab.picture_files.pages import page_names
from digitlab.reading import load_image
from digitlab.reading.images import decode_image, decode_page, load_reduced

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from digitlab.reading import Reader
    from digitlab.values import Digits


def _sibling(name: str) -> object:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


files = _sibling("pdf_files")
pdf, pdf_of_objects = files.pdf, files.pdf_of_objects  # type: ignore[attr-defined]


def test_each_page_is_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(pdf([0.0, 0.5, 0.8]))
    names = page_names(path)
    assert names == [f"{path}#1", f"{path}#2", f"{path}#3"]
    for name, grey in zip(names, (0, 128, 204), strict=True):
        page = load_image(name)
        assert page.shape == (200, 400, 3)  # 2 by 1 inch
        assert abs(int(page[100, 100, 0]) - grey) <= 1
        assert page[100, 300].tolist() == [255] * 3


def test_a_pdf_without_a_number_is_its_first_page_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(pdf([0.0, 0.5]))
    with pytest.warns(UserWarning, match=r"has 2 pages; this is the first of them, .*scan\.pdf#2 the next"):
        assert load_image(path)[100, 100].max() == 0
    pixels, pages = decode_page(path.read_bytes(), page=2)
    assert abs(int(pixels[100, 100, 0]) - 128) <= 1
    assert pages == 2


def test_a_single_page_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "one.pdf"
    path.write_bytes(b"junk of a mailer\n" + pdf([0.0]))
    assert page_names(path) == [str(path)]
    assert load_image(f"{path}#1").shape == (200, 400, 3)
    with pytest.raises(ImageError, match=r"one.pdf#2: there is no page 2; the file has one page"):
        load_image(f"{path}#2")


def test_a_turned_page_is_drawn_as_it_is_shown() -> None:
    assert decode_image(pdf([0.0], extra=b"/Rotate 90")).shape == (400, 200, 3)


def test_the_name_may_have_any_signs(tmp_path: Path) -> None:
    path = tmp_path / "-ä #3.pdf"
    path.write_bytes(pdf([0.0]))
    assert load_image(path).shape == (200, 400, 3)


def test_digits_in_a_pdf_are_read(
    tmp_path: Path, reader: Reader, sure_digits: Digits, write: Callable[..., NDArray[np.uint8]]
) -> None:
    shown = [Image.fromarray(write([(sure_digits.images[2 * digit], 60, 60, 90)], size=(400, 300))) for digit in (3, 8)]
    shown[0].save(tmp_path / "a.pdf", save_all=True, append_images=shown[1:], resolution=150)
    assert [reader.read(name).text for name in page_names(tmp_path / "a.pdf")] == ["3", "8"]


@pytest.mark.parametrize(
    ("width", "height", "most_side"),
    [(2_834_645.0, 2_834_645.0, 4096), (1e6, 0.001, 4096), (1e-3, 1e-3, 9), (1e9, 1e9, 4096), (0.0, 0.0, 4096)],
)
def test_pages_of_odd_sizes_are_drawn_smaller_or_refused(width: float, height: float, most_side: int) -> None:
    try:
        pixels = decode_image(pdf([0.0], width, height))
    except ImageError as error:
        assert "page is damaged" in str(error)  # noqa: PT017
    else:
        assert max(pixels.shape) <= most_side


def test_fewer_pixels_are_drawn_where_fewer_are_allowed() -> None:
    pixels = decode_image(pdf([0.0], 595, 842), most_pixels=100_000)
    assert 90_000 < pixels.shape[0] * pixels.shape[1] <= 100_000


ENCRYPTED = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >> /ID [<00> <00>]" % (
    b"41" * 32,
    b"42" * 32,
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7", "damaged, truncated"),
        (pdf([0.0])[:200], "damaged, truncated"),
        (pdf([]), "without a page"),
        (pdf([0.0]).replace(b"trailer\n<<", b"trailer\n<< " + ENCRYPTED), "encrypted"),
    ],
)
def test_encrypted_broken_and_empty_files_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.pdf").write_bytes(content)
    with pytest.raises(ImageError, match=said) as refused:
        load_image(tmp_path / "a.pdf")
    assert str(refused.value).startswith(f"{tmp_path / 'a.pdf'}: ")
    assert "\n" not in str(refused.value)
    assert page_names(tmp_path / "a.pdf") == [str(tmp_path / "a.pdf")]


def test_ten_thousand_pages_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "long.pdf"
    path.write_bytes(pdf([0.25] * 10_000))
    names = page_names(path)
    assert len(names) == 10_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in (names[0], names[4_999], names[-1]):
        assert abs(int(load_image(name)[100, 100, 0]) - 64) <= 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
    path.write_bytes(pdf([0.25] * 10_001))
    with pytest.raises(ImageError, match="has more than 10,000 pages"):
        page_names(path)


def one_page_with(name: bytes) -> list[bytes]:
    """Objects 1 to 3: a page whose drawing is object 4, and which calls object 5 by this name."""
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R "
        b"/Resources << /XObject << %s 5 0 R >> >> >>" % name,
    ]


def nested_forms(depth: int, each: int) -> bytes:
    """A drawing that draws ten of the next, which draws ten of the next …"""
    objects = [
        *one_page_with(b"/F"),
        b"<< /Length 4 >>\nstream\n/F Do\nendstream",
    ]
    for level in range(depth):
        drawn = b"/F Do " * each if level < depth - 1 else b"0 0 9 9 re f"
        head = b"/Type /XObject /Subtype /Form /BBox [0 0 99 99] /Resources << /XObject << /F %d 0 R >> >>" % (
            6 + level
        )
        objects.append(b"<< %s /Length %d >>\nstream\n%s\nendstream" % (head, len(drawn), drawn))
    return pdf_of_objects(objects)


def test_a_drawing_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digitlab.picture_files.pdf._SECONDS", 3.0)
    start = time.perf_counter()
    try:
        decode_image(nested_forms(9, 40))
    except ImageError as error:
        assert "takes more than 3 s" in str(error) or "too large to draw" in str(error)  # noqa: PT017
    assert time.perf_counter() - start < 20


def test_a_picture_too_large_for_the_memory_ends_only_its_process() -> None:
    rows = b"<< /Type /XObject /Subtype /Image /Width 60000 /Height 60000 /BitsPerComponent 8 /ColorSpace /DeviceRGB"
    objects = [
        *one_page_with(b"/I"),
        b"<< /Length 25 >>\nstream\n99 0 0 99 0 0 cm /I Do   \nendstream",
        rows + b" /Length 0 >>\nstream\n\nendstream",
    ]
    try:
        assert max(decode_image(pdf_of_objects(objects)).shape) == 275
    except ImageError as error:
        assert "too large to draw" in str(error)  # noqa: PT017


def test_what_a_document_would_run_or_open_is_not(tmp_path: Path) -> None:
    made = tmp_path / "made"
    script = b"/OpenAction << /S /JavaScript /JS (app.launchURL('http://127.0.0.1:9/')) >>"
    launch = b"/AA << /O << /S /Launch /F (touch %s) >> >>" % str(made).encode()
    assert decode_image(pdf([0.0], more=script, extra=launch)).shape == (200, 400, 3)
    assert not made.exists()


def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pypdfium2", "pillow_heif"):
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "a.pdf").write_bytes(pdf([0.0, 0.0]))
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(20))
    for name, extra in (("a.pdf", "pdf"), ("a.heic", "heif")):
        with pytest.raises(ImageError, match=rf'{name}: .* file needs the extra "{extra}"; add it with: .*install'):
            load_image(tmp_path / name)
        assert page_names(tmp_path / name) == [str(tmp_path / name)]


def test_threads_draw_side_by_side() -> None:
    content, shapes = pdf([0.0, 0.5]), []
    workers = [threading.Thread(target=lambda: shapes.append(decode_image(content).shape)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert shapes == [(200, 400, 3)] * 3


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=12))
def test_damaged_files_give_an_array_or_an_image_error(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    content = bytearray(pdf([0.3]))
    for place, value in changes:
        content[8 + place % (len(content) - 8)] = value
    (tmp_path / "a.pdf").write_bytes(content)
    try:
        pixels, size = load_reduced(tmp_path / "a.pdf", 1024)
    except ImageError:
        return
    assert pixels.dtype == np.uint8
    assert size == (pixels.shape[1], pixels.shape[0])


def test_a_pdf_of_pillow_s_is_read_from_a_file_object(reader: Reader) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (200, 100), "white").save(stream, "PDF")
    stream.seek(0)
    assert reader.read(stream).text == ""
