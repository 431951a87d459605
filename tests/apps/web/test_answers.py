"""What the API answers to those who mean well."""

from __future__ import annotations

import base64
import concurrent.futures
import io
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from digitlab.apps.web.config import Limits
from digitlab.apps.web.models import Models
from digitlab.reading import Reader
from digitlab.values import Prediction

Digits = list[tuple[bytes, int]]


@pytest.fixture(scope="module")
def inspected(client: httpx.Client, digits: Digits) -> dict:
    return client.post("/v1/inspect", content=digits[0][0]).json()


def test_digits_are_classified_as_the_reader_does(client: httpx.Client, digits: Digits, tmp_path) -> None:
    answers = [client.post("/v1/classify", content=content).json() for content, _ in digits]
    assert sum(answer["digit"] == label for answer, (_, label) in zip(answers, digits, strict=True)) >= 38
    (tmp_path / "a.png").write_bytes(digits[3][0])
    expected = Reader().classify(tmp_path / "a.png")
    assert answers[3]["digit"] == expected.digit
    assert answers[3]["probabilities"] == pytest.approx(expected.probabilities, abs=1e-5)


def test_large_pictures_and_forms_give_the_same_digit(
    client: httpx.Client, digits: Digits, as_file: Callable[..., bytes]
) -> None:
    content, label = digits[0]
    form = client.post("/v1/classify", files={"other": b"?", "image": ("my digit.png", content)})
    assert form.json()["digit"] == label
    large = np.asarray(Image.open(io.BytesIO(content)).resize((300, 300), Image.Resampling.BICUBIC))
    for kind in ("PNG", "JPEG", "WEBP", "BMP", "TIFF"):
        assert client.post("/v1/classify", content=as_file(large, kind)).json()["digit"] == label, kind


def test_where_there_is_no_ink_there_is_no_digit(client: httpx.Client, as_file: Callable[..., bytes]) -> None:
    for blank in (np.zeros((28, 28), np.uint8), np.full((200, 300), 255, np.uint8)):
        answer = client.post("/v1/classify", content=as_file(blank)).json()
        assert (answer["digit"], answer["confidence"], answer["probabilities"]) == (None, 0, [0] * 10)
        seen = client.post("/v1/inspect", content=as_file(blank)).json()
        assert (seen["digit"], seen["glyph"], seen["layers"]) == (None, None, [])


def test_the_threshold_declines(client: httpx.Client, digits: Digits) -> None:
    asked = {"threshold": 1}
    for path in ("/v1/classify", "/v1/inspect"):
        answer = client.post(path, content=digits[0][0], params=asked).json()
        assert answer["digit"] is None
        assert answer["confidence"] > 0.5
    read = client.post("/v1/read", content=digits[0][0], params=asked).json()
    assert all(each["digit"] is None for each in read["digits"])


def test_a_photo_is_read_with_boxes(client: httpx.Client, photo: bytes, digits: Digits) -> None:
    answer = client.post("/v1/read", content=photo).json()
    assert answer["text"] == "".join(str(label) for _, label in digits[:3])
    assert (answer["width"], answer["height"], answer["model"]) == (640, 480, "reader")
    assert [each["line"] for each in answer["digits"]] == [0, 0, 0]
    assert all(0 <= x0 < x1 <= 640 for x0, _, x1, _ in (each["box"] for each in answer["digits"]))


def test_models_and_their_layers_are_described(client: httpx.Client) -> None:
    listed = client.get("/v1/models").json()
    assert listed["default"] == "reader"
    assert listed["models"][0]["layers"]
    detail = client.get("/v1/models/reader").json()
    names = [layer["name"] for layer in detail["layers"]]
    assert len(set(names)) == len(names)
    assert detail["parameters"] == sum(layer["parameters"] for layer in detail["layers"])
    first = next(layer for layer in detail["layers"] if layer["kind"] == "convolution")
    weights = np.frombuffer(base64.b64decode(first["kernels"]["data"]), np.int8).reshape(first["kernels"]["shape"])
    assert weights.shape == (first["shape"][2], 1, 5, 5)
    assert np.abs(weights).max() == 127


def test_every_map_comes_with_one_answer(client: httpx.Client, inspected: dict, digits: Digits) -> None:
    assert inspected["digit"] == digits[0][1]
    layers = client.get("/v1/models/reader").json()["layers"]
    assert [each["name"] for each in inspected["layers"]] == [each["name"] for each in layers]
    for maps, layer in zip(inspected["layers"], layers, strict=True):
        rows, columns, count = layer["shape"] if len(layer["shape"]) == 3 else (1, 1, layer["shape"][0])
        assert maps["shape"] == [count, rows, columns]
        assert len(base64.b64decode(maps["data"])) == count * rows * columns
        assert maps["low"] <= maps["high"]
    last = inspected["layers"][-1]
    levels = np.frombuffer(base64.b64decode(last["data"]), np.uint8) / 255 * (last["high"] - last["low"]) + last["low"]
    assert levels == pytest.approx(inspected["probabilities"], abs=0.003)


def test_an_explanation_adds_up(client: httpx.Client, inspected: dict) -> None:
    asked = {"glyph": inspected["glyph"], "layer": "conv-2", "channel": 3, "row": 5, "column": 6}
    told = client.post("/v1/explain", json=asked).json()
    products = np.array(told["patch"]) * np.array(told["kernel"])
    assert products == pytest.approx(np.array(told["products"]))
    assert products.sum(axis=(1, 2)) == pytest.approx(told["sums"])
    assert sum(told["sums"]) + told["rest"] + told["bias"] == pytest.approx(told["before"])
    assert told["before"] == pytest.approx(told["network"], abs=1e-4)
    assert told["activation"] == "Relu"
    assert told["after"] == pytest.approx(max(0, told["before"]), abs=1e-4)
    assert told["field"] == [12, 10, 22, 20]


def test_occlusion_hurts_where_the_ink_is(client: httpx.Client, inspected: dict) -> None:
    told = client.post("/v1/occlusion", json={"glyph": inspected["glyph"], "size": 7, "stride": 4}).json()
    fall = np.array(told["fall"])
    assert fall.shape == (7, 7) == np.array(told["towards"]).shape
    assert told["digit"] == inspected["digit"] != told["against"]
    assert fall.max() > 0.1
    assert fall[0, 0] == 0


def test_models_answer_side_by_side(client: httpx.Client, inspected: dict) -> None:
    asked = {"glyphs": [inspected["glyph"], base64.b64encode(bytes(784)).decode()], "models": ["reader", "reader"]}
    told = client.post("/v1/probabilities", json=asked).json()
    first, second = np.array(told["probabilities"])
    assert first == pytest.approx(second)
    assert first[0] == pytest.approx(inspected["probabilities"], abs=1e-5)


def test_the_filter_bank_is_laid_on_a_photo(client: httpx.Client, photo: bytes) -> None:
    told = client.post("/v1/filters", content=photo).json()
    assert (told["width"], told["height"]) == (320, 240)
    assert {"sobel-vertical", "laplacian-4", "mean", "gaussian"} <= {each["name"] for each in told["results"]}
    assert all(base64.b64decode(each["png"]).startswith(b"\x89PNG") for each in told["results"])


def test_the_gallery_holds_digits_hard_cases_and_strangers(client: httpx.Client) -> None:
    sets = {each["name"]: each for each in client.get("/v1/gallery").json()["sets"]}
    assert {"mnist", "strangers"} < set(sets)
    for each in sets.values():
        assert len(base64.b64decode(each["data"])) == 784 * each["count"] == 784 * len(each["labels"])
    assert sorted(sets["mnist"]["labels"]) == sorted(list(range(10)) * 2)
    assert set(sets["strangers"]["labels"]) == {None}


def test_health_metrics_and_the_page(client: httpx.Client, digits: Digits) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    client.post("/v1/classify", content=digits[0][0])
    text = client.get("/metrics").text
    assert 'digitlab_requests_total{method="POST",route="/v1/classify",status="200"}' in text
    assert "process_resident_memory_bytes" in text
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    again = client.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_models_given_are_named_and_the_first_answers(tmp_path) -> None:
    from digitlab.reading import resolve_model

    folder = tmp_path / "2026-my net"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(resolve_model(None).read_bytes())
    models = Models([str(folder / "model.onnx"), "reader"])
    assert [each.name for each in models.all()] == ["2026-my-net", "reader"]
    assert models.default == "2026-my-net"
    assert [each.source for each in models.all()] == ["given", "shipped"]


def test_no_model_takes_the_shipped_ones_name_nor_one_that_an_address_cannot_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from digitlab.reading import resolve_model

    content = resolve_model(None).read_bytes()
    (tmp_path / "run" / "inside").mkdir(parents=True)
    for name in ("reader.onnx", f"{'x' * 120}.onnx", "run/model.onnx"):
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path / "run" / "inside")
    models = Models(["../../reader.onnx", "..", "../model.onnx", f"../../{'x' * 120}.onnx"])
    names = [each.name for each in models.all()]
    assert names == ["reader-2", "run", "run-2", "x" * 90, "reader"]
    assert [each.source for each in models.all()] == ["given"] * 4 + ["shipped"]


def test_many_at_once_are_answered_as_one_by_one(start, digits: Digits) -> None:
    with start() as server, concurrent.futures.ThreadPoolExecutor(8) as threads, server.client() as client:

        def ask(each: tuple[bytes, int]) -> list[float]:
            return client.post("/v1/classify", content=each[0]).json()["probabilities"]

        together = list(threads.map(ask, digits))
        assert together[::8] == [ask(each) for each in digits[::8]]


def test_a_slow_model_keeps_nobody_else_waiting_and_more_than_its_limit_are_refused(
    start, digits: Digits, photo: bytes
) -> None:
    models, begun, held = Models(), threading.Event(), threading.Event()
    served = models.get(None)

    class Slow:
        def __init__(self, reader: Reader) -> None:
            self.classify_quickly, self.threshold = reader.classify, reader.threshold

        def classify(self, picture: np.ndarray) -> Prediction:
            if len(picture) > 100:
                begun.set()
                held.wait(60)
            return self.classify_quickly(picture)

    served.reader = Slow(served.reader)  # type: ignore[assignment]
    with (
        start(models=models, limits=Limits(pictures=1)) as server,
        concurrent.futures.ThreadPoolExecutor(1) as threads,
        server.client() as client,
    ):
        waiting = threads.submit(client.post, "/v1/classify", content=photo)
        try:
            assert begun.wait(60)
            refused = client.post("/v1/classify", content=photo)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert client.get("/healthz").status_code == 200
            assert client.post("/v1/classify", content=digits[0][0]).status_code == 200
        finally:
            held.set()
        assert waiting.result().status_code == 200
