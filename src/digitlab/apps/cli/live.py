"""`digitlab live`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from digitlab.live import Mode, Region
    from digitlab.values import Box

__all__ = ["live"]


def live(
    *,
    source: str | None = None,
    list_: Annotated[bool, Parameter(name="--list", negative=())] = False,
    config: Path | None = None,
    mode: Literal["region", "page", "thesis"] | None = None,
    region: str | None = None,
    model: str | None = None,
    threshold: float | None = None,
    headless: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
    on_digit: str | None = None,
    mqtt: str | None = None,
    ros: str | None = None,
    topic: str | None = None,
    record: Path | None = None,
    for_: Annotated[float | None, Parameter(name="--for")] = None,
    fast: Annotated[bool, Parameter(negative=())] = False,
    insist: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Read digits from a camera or a video while it plays, in a window or without one (--headless).

    Headless, a line is said for each change of the steady text. Ends with 0 when digits were read, 1 when none ever
    was, 2 for wrong use or a source that cannot be had, 130 by Ctrl-C. Counts and latencies stand at the end on stderr.

    For example:
    digitlab live --source 0
    digitlab live --source paper.mp4 --headless --json --fast
    digitlab live --source http://phone:4747/video --headless --on-digit 'espeak {digit}'
    digitlab live --config digitclassifier.cfg --headless --mqtt mqtt://broker/robot/digits

    Args:
        source: A camera's number, a video, a folder of pictures, http://…, rtsp://…, ice:PROXY, ros:ws://HOST/TOPIC.
        list_: Say which cameras there are, and end.
        config: A digitclassifier.cfg of 2017 or its YAML of 2018: its camera and its model, where not given here.
        mode: One digit in the region (so with --region or --config), all digits of the page (else), or the region as
            S0 did it (Sobel image, every 150 ms).
        region: What is read, x,y,w,h in pixels; else that of the last session, or S0's square in the middle.
        model: A shipped name, a run folder or a file (.onnx, .keras, .h5); else the shipped reader.
        threshold: Answer only where the confidence is at least this, 0 to 1.
        headless: Without a window.
        json: One JSON object a reading, one for each change of the camera's state; the last line is the summary.
        on_digit: A program for each steady text; {digit} and {text} in its arguments are replaced. No shell.
        mqtt: Publish to mqtt://[USER:PASSWORD@]HOST[:PORT]/TOPIC.
        ros: Publish through a rosbridge at ws://HOST:9090.
        topic: Under which ROS name; else /digitlab.
        record: Write a video (.mp4, .avi), and its readings beside it (.jsonl).
        for_: End after so many seconds.
        fast: Of a file every frame, as fast as they can be read, instead of at its own pace.
        insist: Ask again and again for a camera that is not there yet.
    """
    from digitlab.errors import UsageError

    if list_:
        return _list_cameras(json=json)
    asked = _asked(source, config, model)
    only_headless = {"json": json, "on-digit": on_digit, "mqtt": mqtt, "ros": ros, "record": record, "for": for_}
    if not headless and any(only_headless.values()):
        named = ", ".join(f"--{name}" for name, given in only_headless.items() if given)
        raise UsageError(f"{named}: only with --headless")
    if topic is not None and ros is None:
        raise UsageError("--topic names what --ros publishes; --ros ws://HOST:9090 is missing")
    if for_ is not None and not 0.0 < for_ < float("inf"):
        raise UsageError(f"--for is {for_:g}; expected seconds, more than 0")
    from digitlab.live import box_of_text

    box = None if region is None else box_of_text(region)
    if not headless:
        # As without a window, a region or S0's own configuration mean one digit; else the window knows by the source.
        chosen_mode = mode or ("region" if box is not None or config is not None else None)
        return _open_window(asked, mode=chosen_mode, box=box, threshold=threshold, fast=fast)
    if asked.source is None:
        raise UsageError(
            "no source given; expected --source 0, FILE or an address (digitlab live --list names cameras)"
        )
    from digitlab.apps.cli.live_headless import Outlets, run_headless
    from digitlab.live import LiveEngine

    # With a region or S0's own configuration, one digit is meant; else whatever there is.
    chosen: Mode = mode or ("region" if box is not None or config is not None else "page")
    for note in asked.notes:
        advise(f"digitlab: note: {note}")
    reader = _reader(asked.model, threshold)
    with Outlets(on_digit=on_digit, mqtt=mqtt, ros=ros, topic=topic) as outlets:
        engine = LiveEngine(
            asked.source, reader, mode=chosen, region=box or _remembered(), realtime=not fast, insist=insist
        )
        return run_headless(engine, outlets, json=json, seconds=for_, record=record)


class _Asked:
    """What the options and the configuration file ask for together; the options win."""

    def __init__(self, source: str | None, model: str | None, notes: Iterable[str]) -> None:
        self.source = source
        self.model = model
        self.notes = tuple(notes)


def _asked(source: str | None, config: Path | None, model: str | None) -> _Asked:
    if config is None:
        return _Asked(source, model, ())
    from digitlab.errors import UsageError
    from digitlab.live.configuration import read_configuration

    old = read_configuration(config)
    notes = list(old.warnings)
    if source is None and old.source is None:
        raise UsageError(f"{config}: turns the camera off; say where pictures come from with --source")
    if model is None and old.model is not None:
        if Path(old.model).suffix.lower() in (".h5", ".hdf5"):
            # What it was trained on is not in it; read_configuration has said how to bring it over.
            notes.append(f"{old.model} is not used as it is; reading with the shipped model")
        else:
            model = old.model
    return _Asked(source or old.source, model, notes)


def _list_cameras(*, json: bool) -> int:
    from digitlab.camera.devices import list_devices

    devices = list_devices()
    for device in devices:
        if json:
            say_json({"source": device.source, "name": device.name})
        else:
            say(f"{device.source:>3}  {device.name}")
    if not devices:
        advise("no camera is connected to this computer")
    return 0 if devices else 1


def _remembered() -> Region | None:
    from digitlab.live import remembered_region

    return remembered_region()


def _reader(model: str | None, threshold: float | None) -> Any:
    from digitlab.apps.cli.reading import as_onnx
    from digitlab.errors import UsageError
    from digitlab.live.loop import THREADS
    from digitlab.reading.reader import DEFAULT_THRESHOLD, Reader

    if threshold is not None and not 0 <= threshold <= 1:
        raise UsageError(f"--threshold is {threshold:g}; expected 0 to 1")
    return Reader(as_onnx(model), threshold=DEFAULT_THRESHOLD if threshold is None else threshold, threads=THREADS)


def _open_window(asked: _Asked, *, mode: Mode | None, box: Box | None, threshold: float | None, fast: bool) -> int:
    from digitlab.apps.desktop import run_window
    from digitlab.errors import MissingExtraError, UsageError

    try:
        reader = None if asked.model is None and threshold is None else _reader(asked.model, threshold)
        region = box or _remembered()
        return run_window(asked.source, reader, region=region, mode=mode, realtime=not fast, notes=asked.notes)
    except MissingExtraError as error:
        raise UsageError(f"{error}, or use --headless") from error
