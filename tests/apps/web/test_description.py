"""The OpenAPI description is what the server does: schemathesis asks for what it allows, and for what it does not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance


def _picture() -> bytes:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 13:16] = 255
    return cv2.imencode(".png", image)[1].tobytes()


schemathesis.openapi.media_type("image/png", st.sampled_from([_picture(), _picture()[:60], b""]))

NOTHING_TO_ASK_WRONGLY = (
    "/healthz", "/metrics", "/v1/models", "/v1/gallery", "/v1/lessons", "/v1/learning-digits", "/v1/trainings",
)  # fmt: skip


@pytest.fixture(scope="module")
def described(start_once: Callable[..., contextlib.AbstractContextManager]) -> Iterator[Any]:
    """A server that does not train for everyone: what is asked of it may be anything."""
    with start_once(host="0.0.0.0", open_=True) as server:  # noqa: S104
        description = httpx.get(f"{server.address}/v1/openapi.json").json()
        loaded = schemathesis.openapi.from_dict(description)
        loaded.config.update(base_url=server.address)
        yield loaded


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_nothing_that_may_be_asked_is_a_mistake(described: Any, mode: schemathesis.GenerationMode) -> None:
    asked = set()
    for found in described.get_all_operations():
        operation = found.ok()
        if mode is schemathesis.GenerationMode.NEGATIVE and operation.path in NOTHING_TO_ASK_WRONGLY:
            continue

        @settings(
            max_examples=6, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            answer = case.call(timeout=30)
            assert answer.status_code < 500
            # A description cannot say which bytes are a picture, or which numbers stand for a layer that is there.
            case.validate_response(answer, excluded_checks=[positive_data_acceptance])
            asked.add((case.path, answer.status_code))

        ask()
    assert len(asked) > 10


def test_every_operation_is_described(described: Any) -> None:
    described = described.raw_schema
    paths = described["paths"]
    assert {"/v1/classify", "/v1/read", "/v1/inspect", "/v1/models", "/healthz", "/metrics"} < set(paths)
    for path, operations in paths.items():
        for operation in operations.values():
            assert operation["description"], path
            for status, answer in operation["responses"].items():
                kinds = set(answer["content"])
                assert ("application/problem+json" in kinds) == (int(status) >= 400), (path, status)
    body = paths["/v1/classify"]["post"]["requestBody"]["content"]
    assert {"image/png", "multipart/form-data"} < set(body)
