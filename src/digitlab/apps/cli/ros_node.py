"""`digitlab ros-node`."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, mention
from digitlab.apps.cli.options import whole_number

if TYPE_CHECKING:
    from digitlab.camera import Source
    from digitlab.camera.ros_native import RosClient
    from digitlab.live import LiveEngine
    from digitlab.live.configuration import LiveConfiguration
    from digitlab.live.delivery import HealthReport

__all__ = ["node_source", "ros_node"]

_TURN = 0.2  # seconds between two checks of the state


def ros_node(
    *remappings: str,
    image: str | None = None,
    config: Path | None = None,
    name: str | None = None,
    ros: Annotated[
        int | None, Parameter(help="1 or 2; else the one that is sourced, 1 where both are.", converter=whole_number)
    ] = None,
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

    wrong = [remapping for remapping in remappings if ":=" not in remapping]
    if wrong:
        raise UsageError(f"{wrong[0]!r}: expected FROM:=TO, or an option such as --image /camera/image_raw")
    old = None if config is None else read_configuration(config)
    for note in () if old is None else old.warnings:
        mention(note)
    assignments = dict(remapping.split(":=", 1) for remapping in remappings)
    parameters = {key.removeprefix("_"): value for key, value in assignments.items() if re.match(r"_[A-Za-z]", key)}
    node_name = assignments.get("__name") or name or (None if old is None else old.node_name) or "digitlab"
    client = ros_client(re.sub(r"\W", "_", node_name), ros, parameters)
    try:
        return _run(client, image, old)
    finally:
        client.close()


def _run(client: RosClient, image: str | None, old: LiveConfiguration | None) -> int:
    from digitlab.camera.ros_topic import RosTopic
    from digitlab.live import LiveEngine
    from digitlab.live.delivery import HealthReport, deliver
    from digitlab.live.ros_node import NodeOutlet

    source = node_source(client, image, old)
    region = client.parameter("region", None)
    arguments = _parameters(client, old)
    engine = LiveEngine(source, arguments.pop("reader"), region=_box(region), insist=True, **arguments)
    topic = str(client.parameter("topic", client.name))
    outlet = NodeOutlet(client, advise, topic=topic, source=source if isinstance(source, RosTopic) else None)
    engine.subscribe(lambda live: deliver(outlet, live, advise))
    with contextlib.closing(outlet), engine:
        _watch(client, engine, HealthReport([outlet.health]))
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
    flag = {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
    if flag is None:
        raise UsageError(f"the parameter ~{name} is {value!r}; expected true or false")
    return flag


def _parameters(client: RosClient, old: LiveConfiguration | None) -> dict[str, Any]:
    """Return the arguments of the engine, checked like the options of `digitlab live`."""
    from digitlab.apps.cli.reading import as_onnx
    from digitlab.errors import UsageError
    from digitlab.live.config import LiveConfig
    from digitlab.live.configuration import usable_model
    from digitlab.live.loop import THREADS
    from digitlab.reading.reader import DEFAULT_THRESHOLD, Reader

    names = ("mode", "model", "threshold", "pause", "hidden", "stale")
    values = {name: client.parameter(name, None) for name in names}
    numbers = ("threshold", "pause", "hidden", "stale")
    try:
        settings = {
            name: float(value) if name in numbers else str(value)
            for name, value in values.items()
            if value not in (None, "")
        }
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"a parameter of the node is invalid ({error}); expected numbers for {', '.join(numbers)}"
        ) from None
    config = LiveConfig(**settings)  # type: ignore[arg-type]
    has_region = client.parameter("region", None) not in (None, "")
    if config.mode == "page" and has_region:
        raise UsageError("the parameter ~region is for the modes region and thesis; ~mode page reads the whole frame")
    single_digit = old is not None or has_region
    threshold = DEFAULT_THRESHOLD if config.threshold is None else config.threshold
    model = config.model
    if model is None and old is not None:
        model, notes = usable_model(old)
        for note in notes:
            mention(note)
    return {
        "reader": Reader(as_onnx(model), threshold=threshold, threads=THREADS),
        "mode": config.mode or ("region" if single_digit else "page"),
        "steadiness": config.steadiness,
    }


def _box(region: Any) -> Any:
    from digitlab.live.region import box_of_text

    return None if region in (None, "") else box_of_text(str(region).strip("[]"))


def _watch(client: RosClient, engine: LiveEngine, report: HealthReport) -> None:
    """Wait until the node is to end, and report changes of the camera's state, and what fails, meanwhile."""
    from digitlab.apps.cli.live_headless import asked_to_stop

    reported: tuple[str, str | None] = ("running", None)
    with asked_to_stop() as stopped:
        try:
            while not (stopped.is_set() or client.is_over()):
                if engine.wait(_TURN):
                    if engine.failure is not None:
                        raise engine.failure
                    return
                for news in report.news():
                    if news.again:
                        advise(str(news))
                snapshot = engine.snapshot()
                state = str(snapshot.state), snapshot.problem
                if state != reported and state[0] != "connecting":
                    advise(f"{state[0]}: {state[1]}" if state[1] else state[0])
                    reported = state
        except KeyboardInterrupt:
            advise("")
