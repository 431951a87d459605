"""`digitlab ros-node`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from digitlab.apps.cli.console import advise

if TYPE_CHECKING:
    from digitlab.camera import Source
    from digitlab.camera.ros_native import RosClient
    from digitlab.live import LiveEngine
    from digitlab.live.configuration import LiveConfiguration

__all__ = ["node_source", "ros_node"]

_TURN = 0.2  # seconds between two checks of the state


def ros_node(
    *remappings: str,
    image: str | None = None,
    config: Path | None = None,
    name: str | None = None,
    ros: Annotated[int | None, Parameter(help="1 or 2; else the one that is sourced, 1 where both are.")] = None,
) -> int:
    """Read digits as a node of the ROS that is sourced here: pictures from a topic, readings to topics.

    Parameters of the node: ~image, ~compressed, ~camera_info, ~mode (page or region), ~region (x,y,width,height),
    ~model, ~threshold, ~topic, ~pause, ~hidden, ~stale. It publishes ~topic/reading, digit, number and, if
    vision_msgs is installed, detections (docs/sources/ros.md). Exit code 0 after Ctrl-C, SIGTERM or rosnode kill.

    For example:
    digitlab ros-node --image /camera/image_raw
    digitlab ros-node --config digitclassifier.yml
    digitlab ros-node _image:=/camera/image_raw/compressed _mode:=region __name:=digits

    Args:
        remappings: In the notation of ROS: FROM:=TO, _PARAMETER:=VALUE, __name:=NAME.
        image: The topic of pictures; default: the parameter ~image, the configuration's topic, or /camera/image_raw.
        config: A digitclassifier.cfg of 2017 or its YAML of 2018: its camera (with Server 2 its Topic) and its model,
            where not given here.
        name: Name of the node; default: the configuration's NodeName, or digitlab.
        ros: 1 or 2; else the one that is sourced, 1 where both are.
    """
    from digitlab.camera.ros_native import ros_client
    from digitlab.errors import UsageError
    from digitlab.live.configuration import read_configuration

    wrong = [each for each in remappings if ":=" not in each]
    if wrong:
        raise UsageError(f"{wrong[0]!r}: expected FROM:=TO, or an option such as --image /camera/image_raw")
    old = None if config is None else read_configuration(config)
    for note in () if old is None else old.warnings:
        advise(f"digitlab: note: {note}")
    given = dict(each.split(":=", 1) for each in remappings)
    parameters = {each.removeprefix("_"): value for each, value in given.items() if re.match(r"_[A-Za-z]", each)}
    called = given.get("__name") or name or (None if old is None else old.node_name) or "digitlab"
    client = ros_client(re.sub(r"\W", "_", called), ros, parameters)
    try:
        return _run(client, image, old)
    finally:
        client.close()


def _run(client: RosClient, image: str | None, old: LiveConfiguration | None) -> int:
    from digitlab.camera.ros_topic import RosTopic
    from digitlab.live import LiveEngine
    from digitlab.live.ros_node import NodeOutlet

    source = node_source(client, image, old)
    region = client.parameter("region", None)
    asked = _parameters(client, old)
    engine = LiveEngine(source, asked.pop("reader"), region=_box(region), insist=True, **asked)
    topic = str(client.parameter("topic", client.name))
    outlet = NodeOutlet(client, advise, topic=topic, source=source if isinstance(source, RosTopic) else None)
    engine.subscribe(outlet.tell)
    with engine:
        _watch(client, engine)
    outlet.close()
    advise(engine.statistics.describe())
    return 0


def node_source(client: RosClient, image: str | None, old: LiveConfiguration | None) -> str | Source:
    """Return the requested topic, or the camera of an old configuration, which may be one that speaks Ice."""
    from digitlab.camera.ros_topic import RosTopic

    of_file = None if old is None else old.source
    topic = image or client.parameter("image", None) or (old.topic if old is not None and old.server == "ros" else None)
    if topic is None and of_file is not None:
        return of_file
    return RosTopic(
        client,
        topic or "/camera/image_raw",
        compressed=_flag("compressed", client.parameter("compressed", None)),
        info=client.parameter("camera_info", None),
    )


def _flag(name: str, value: Any) -> bool | None:
    """Return a parameter that is true or false, None if it is missing; without a ROS 1 that parses it, it is a text."""
    from digitlab.errors import UsageError

    if value in (None, ""):
        return None
    known = {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
    if known is None:
        raise UsageError(f"the parameter ~{name} is {value!r}; expected true or false")
    return known


def _parameters(client: RosClient, old: LiveConfiguration | None) -> dict[str, Any]:
    """Return the arguments of the engine, checked like the options of `digitlab live`."""
    from digitlab.errors import UsageError
    from digitlab.live.config import LiveConfig
    from digitlab.live.configuration import usable_model
    from digitlab.live.loop import THREADS
    from digitlab.reading.reader import DEFAULT_THRESHOLD, Reader

    names = ("mode", "model", "threshold", "pause", "hidden", "stale")
    given = {each: client.parameter(each, None) for each in names}
    numbers = ("threshold", "pause", "hidden", "stale")
    try:
        known = {
            each: float(value) if each in numbers else str(value)
            for each, value in given.items()
            if value not in (None, "")
        }
    except (TypeError, ValueError) as error:
        raise UsageError(f"a parameter of the node: {error}; expected numbers for {', '.join(numbers)}") from None
    config = LiveConfig(**known)  # type: ignore[arg-type]
    one = old is not None or client.parameter("region", None) not in (None, "")
    threshold = DEFAULT_THRESHOLD if config.threshold is None else config.threshold
    model = config.model
    if model is None and old is not None:
        model, notes = usable_model(old)
        for note in notes:
            advise(f"digitlab: note: {note}")
    return {
        "reader": Reader(model, threshold=threshold, threads=THREADS),
        "mode": config.mode or ("region" if one else "page"),
        "steadiness": config.steadiness,
    }


def _box(region: Any) -> Any:
    from digitlab.live.region import box_of_text

    return None if region in (None, "") else box_of_text(str(region).strip("[]"))


def _watch(client: RosClient, engine: LiveEngine) -> None:
    """Wait until the node is to end, and report changes of the camera's state meanwhile."""
    from digitlab.apps.cli.live_headless import asked_to_stop

    said: tuple[str, str | None] = ("running", None)
    with asked_to_stop() as stopped:
        try:
            while not (stopped.is_set() or client.is_over()):
                if engine.wait(_TURN):
                    if engine.failure is not None:
                        raise engine.failure
                    return
                seen = engine.snapshot()
                state = str(seen.state), seen.problem
                if state != said and state[0] != "connecting":
                    advise(f"{state[0]}: {state[1]}" if state[1] else state[0])
                    said = state
        except KeyboardInterrupt:
            advise("")
