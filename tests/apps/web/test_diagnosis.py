"""Why a model misreads a picture, asked of the server."""

from __future__ import annotations

import base64
from collections.abc import Callable

import httpx
import numpy as np
import pytest

from digitlab.datasets import load_dataset

pytest.importorskip("fastapi")

TEST = load_dataset("mnist").split("test")
FIVE = TEST.images[TEST.labels == 5][0]


@pytest.fixture(scope="module")
def paper() -> np.ndarray:
    """A five on a photo of paper, drawn by code."""
    from digitlab.examples.paper_video import Layout, digits_of, paper_page

    return paper_page(digits_of("5", seed=3), Layout((640, 480), digit_height=150, pen="blue"), seed=3).image


def pixels(glyph: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(glyph), np.uint8).reshape(28, 28)


def test_a_photo_is_diagnosed(client: httpx.Client, paper: np.ndarray, as_file: Callable[..., bytes]) -> None:
    told = client.post("/v1/diagnose", content=as_file(paper)).json()
    assert told["model"] == "reader"
    assert {"polarity", "background", "crop"} <= set(told["causes"])
    assert "it is dark on light" in told["sentence"]
    assert (told["truth"], told["known_by"]) == (5, "reader")
    assert told["last"]["digit"] == told["prepared"]["digit"] == 5
    assert len(told["differences"]) == 10
    assert pixels(told["shown"]).mean() > 128
    assert pixels(told["mended"]).mean() < 90
    assert len(told["trained"]) == 6
    assert len(told["lines"]) == 3


def test_what_it_shows_can_be_told(client: httpx.Client, as_file: Callable[..., bytes]) -> None:
    told = client.post("/v1/diagnose?label=3", content=as_file(FIVE)).json()
    assert (told["truth"], told["known_by"]) == (3, "label")
    assert "not 3" in told["sentence"]


@pytest.mark.parametrize(("query", "status"), [("label=12", 422), ("label=x", 422), ("model=nowhere", 404)])
def test_other_questions_are_refused(
    client: httpx.Client, as_file: Callable[..., bytes], query: str, status: int
) -> None:
    answer = client.post(f"/v1/diagnose?{query}", content=as_file(FIVE))
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_pictures_of_several_digits_and_of_none(
    client: httpx.Client, photo: bytes, as_file: Callable[..., bytes]
) -> None:
    """The message is about the picture, and names no file or option of a command."""
    several = client.post("/v1/diagnose", content=photo)
    assert several.status_code == 422
    assert several.json()["detail"].startswith("the picture: shows several digits; expected one")
    blank = client.post("/v1/diagnose", content=as_file(np.full((100, 100), 240, np.uint8)))
    assert blank.status_code == 422
    assert "--" not in blank.json()["detail"]


def test_what_mistakes_cost_a_model(client: httpx.Client) -> None:
    told = client.get("/v1/models/reader/mistakes").json()
    assert told["images"] == 1000
    assert told["accuracy"] > 0.99
    costs = {each["name"]: each["accuracy"] for each in told["mistakes"]}
    assert costs["polarity"] < 0.3
    assert pixels(told["mistakes"][1]["example"]).mean() > 128
    assert client.get("/v1/models/nowhere/mistakes").status_code == 404


def test_the_counts_know_the_route(client: httpx.Client) -> None:
    client.get("/v1/models/reader/mistakes")
    assert "/v1/models/{name}/mistakes" in client.get("/metrics").text
