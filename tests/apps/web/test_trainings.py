"""Trainings begun on the page. What trains is a stand-in here, but for the last test."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from digitlab.apps.web import trainings
from digitlab.apps.web.models import Models

Digits = list[tuple[bytes, int]]
Start = Callable[..., AbstractContextManager]

_STAND_IN = """
    import json, shutil, sys, threading, time
    from digitlab.reading import resolve_model

    def tell(event, **data):
        print(json.dumps({"event": event, "data": data}), flush=True)

    question = json.loads(sys.stdin.readline())
    target = sys.stdin.readline().rstrip()
    if question["seed"] == 13:
        sys.exit("no luck")
    if question["seed"] == 14:
        tell("failed", error="the disk is full")
        sys.exit()
    asked = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), asked.set()), daemon=True).start()
    tell("stage", text="loading")
    interrupted = False
    for epoch in range(1, question["epochs"] + 1):
        for batch in range(1, 4):
            tell("progress", epoch=epoch, batch=2 * batch, batches=6, losses=[1.0, 0.9], accuracies=[0.5, 0.6])
        tell("epoch", epoch=epoch, loss=0.5, accuracy=0.9, validation_loss=0.4, validation_accuracy=0.9, seconds=0.1,
             filters=None, mistakes=[])
        if asked.wait(0.1):
            interrupted = True
            break
    shutil.copyfile(resolve_model(None), target)
    tell("done", interrupted=interrupted)
    if question["seed"] == 15:
        time.sleep(1.5)
"""


@pytest.fixture
def client(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    script = tmp_path / "training.py"
    script.write_text(textwrap.dedent(_STAND_IN))
    monkeypatch.setattr(trainings, "_COMMAND", (sys.executable, str(script)))
    with start(models=Models()) as server, server.client() as found:
        yield found


def over(client: httpx.Client, name: str, *, seconds: int = 30) -> dict:
    for _ in range(20 * seconds):
        state = client.get(f"/v1/trainings/{name}").json()
        if state["state"] in ("done", "stopped", "failed"):
            return state
        time.sleep(0.05)
    raise AssertionError(state)


def test_a_training_is_watched_and_its_result_used(client: httpx.Client, digits: Digits) -> None:
    begun = client.post("/v1/trainings", json={"epochs": 3, "images": 500})
    assert begun.status_code == 201
    name = begun.json()["id"]
    assert client.post("/v1/trainings", json={}).status_code == 409
    busy = client.get("/v1/trainings").json()
    assert (busy["allowed"], busy["refused"]) == (False, "busy")
    with client.stream("GET", f"/v1/trainings/{name}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text = "".join(stream.iter_text())
    events = [part.partition("\ndata: ")[::2] for part in text.strip().split("\n\n")]
    kinds = [kind.removeprefix("event: ") for kind, _ in events]
    assert [kind for kind in kinds if kind == "epoch"] == ["epoch"] * 3
    assert kinds[-1] == "state"
    last = json.loads(events[-1][1])
    assert last["state"] == "done"
    assert last == over(client, name)
    assert name in [each["name"] for each in client.get("/v1/models").json()["models"]]
    answer = client.post("/v1/classify", params={"model": name}, content=digits[0][0]).json()
    assert (answer["digit"], answer["model"]) == (digits[0][1], name)
    with client.stream("GET", f"/v1/trainings/{name}/events") as stream:  # who comes late hears all of it
        late = "".join(stream.iter_text())
    assert (late.count("event: epoch"), late.count("event: progress")) == (3, 9), "each batch, for the curves"
    assert client.get("/v1/trainings").json()["allowed"]


def test_whoever_comes_while_its_process_ends_hears_how_it_ended(client: httpx.Client) -> None:
    name = client.post("/v1/trainings", json={"epochs": 1, "seed": 15}).json()["id"]
    over(client, name)
    with client.stream("GET", f"/v1/trainings/{name}/events") as stream:
        events = "".join(stream.iter_text()).strip().split("\n\n")
    assert json.loads(events[-1].partition("\ndata: ")[2])["state"] == "done"


def test_a_training_is_stopped_and_keeps_what_it_has_learned(client: httpx.Client) -> None:
    name = client.post("/v1/trainings", json={"epochs": 20}).json()["id"]
    while not client.get(f"/v1/trainings/{name}").json()["epochs"]:
        time.sleep(0.05)
    assert client.delete(f"/v1/trainings/{name}").json()["state"] == "stopping"
    state = over(client, name)
    assert (state["state"], state["model"]) == ("stopped", name)
    assert 1 <= len(state["epochs"]) < 20


def test_what_goes_wrong_is_said(client: httpx.Client) -> None:
    name = client.post("/v1/trainings", json={"seed": 13}).json()["id"]
    assert "no luck" in over(client, name)["error"]
    name = client.post("/v1/trainings", json={"seed": 14}).json()["id"]
    assert over(client, name)["error"] == "the disk is full"
    for wrong in ({"epochs": 0}, {"images": 10**9}, {"architecture": "/bin/sh"}, {"epochs": "many"}, {"other": 1}, []):
        answer = client.post("/v1/trainings", json=wrong)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert client.get("/v1/trainings/nobody").status_code == 404
    assert client.get("/v1/trainings/nobody/events").status_code == 404


def test_a_training_ends_with_its_server(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "training.py"
    script.write_text(
        f"import os, sys, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\nsys.stdin.read()"
    )
    monkeypatch.setattr(trainings, "_COMMAND", (sys.executable, str(script)))
    with start() as server, server.client() as client:
        client.post("/v1/trainings", json={})
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.05)
        process = Path(f"/proc/{(tmp_path / 'pid').read_text()}")
    assert not process.exists()


@pytest.mark.slow
@pytest.mark.xdist_group("keras")
def test_a_network_is_really_trained(start: Start, digits: Digits) -> None:
    with start(models=Models()) as server, server.client() as client:
        asked = {"architecture": "exercise-cnn", "images": 1000, "epochs": 1}
        name = client.post("/v1/trainings", json=asked).json()["id"]
        state = over(client, name, seconds=600)
        assert (state["state"], state["error"]) == ("done", None)
        with client.stream("GET", f"/v1/trainings/{name}/events") as stream:
            told = [
                json.loads(part.partition("\ndata: ")[2])
                for part in "".join(stream.iter_text()).split("\n\n")
                if part.startswith("event: progress")
            ]
        epoch = state["epochs"][0]
        losses = [loss for each in told for loss in each["losses"]]
        assert len(losses) == sum(len(each["accuracies"]) for each in told) == told[-1]["batches"] == 8
        # Of each batch alone: its mean is the epoch's (the last batch is smaller), and they differ from one another.
        assert sum(losses[:7]) / 7 * 0.896 + losses[7] * 0.104 == pytest.approx(epoch["loss"], rel=1e-3)
        assert len(set(losses)) == 8
        assert epoch["filters"]["shape"][1] == 1
        assert epoch["mistakes"][0]["answer"] != epoch["mistakes"][0]["label"]
        answers = [client.post("/v1/classify", params={"model": name}, content=content).json() for content, _ in digits]
        right = sum(
            max(range(10), key=answer["probabilities"].__getitem__) == label
            for answer, (_, label) in zip(answers, digits, strict=True)
        )
        assert right > 20
        assert client.get(f"/v1/models/{name}").json()["layers"]
