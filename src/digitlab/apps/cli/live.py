"""`digitlab live`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from digitlab.apps.cli.console import advise, mention, say, say_json
from digitlab.apps.cli.options import options_of
from digitlab.live.config import LiveConfig
from digitlab.settings import settings_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.live import Region

__all__ = ["live"]

_HEADLESS_ONLY = ("on_digit", "mqtt", "home_assistant", "metrics", "ros", "record", "seconds", "once")


@options_of(LiveConfig)
def live(
    *,
    list_: Annotated[bool, Parameter(name="--list", negative=())] = False,
    headless: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
    **settings: Any,
) -> int:
    """Read digits from a camera or a video while it plays, in a window or without one (--headless).

    Headless, a line is printed for each change of the steady text. Ends with 0 when digits were read, 1 when none ever
    was, 2 for wrong use, a source that cannot be opened or a recording that failed, 3 when a program, MQTT or ROS fails
    at the end or did not get everything, 130 after Ctrl-C. Counts and latencies are printed to stderr at the end.

    For example:
    digitlab live --source 0
    digitlab live --source paper.mp4 --headless --json --fast
    digitlab live --source http://phone:4747/video --headless --on-digit 'espeak {digit}'
    digitlab live --config digitclassifier.cfg --headless --mqtt mqtt://broker/robot/digits

    Args:
        list_: List the cameras of this computer, and exit.
        headless: Run without a window.
        json: One JSON object per reading and per change of the camera's state; the last line is the summary.
    """
    from digitlab.errors import UsageError
    from digitlab.live.configuration import with_configuration

    if list_:
        return _list_cameras(json=json)
    config, notes = with_configuration(LiveConfig(**settings))
    if not headless:
        given = settings.keys() & set(_HEADLESS_ONLY)
        headless_options = [setting.flag for setting in settings_in(LiveConfig) if setting.name in given]
        if json or headless_options:
            raise UsageError(f"{', '.join([*['--json'] * json, *headless_options])}: only with --headless")
        return _open_window(config, notes)
    if config.source is None:
        raise UsageError(
            "no source given; expected --source 0, FILE or an address (digitlab live --list lists cameras)"
        )
    if config.mode == "page" and config.region is not None:
        raise UsageError("--region is for the modes region and thesis; --mode page reads the whole frame")
    from digitlab.apps.cli.live_headless import Outlets, run_headless
    from digitlab.live import LiveEngine

    for note in notes:
        mention(note)
    reader = _reader(config)
    with Outlets(config) as outlets:
        engine = LiveEngine(
            config.source,
            reader,
            mode=config.mode or ("region" if _means_one_digit(config) else "page"),
            region=config.region or _remembered(),
            realtime=not config.fast,
            insist=config.retry,
            steadiness=config.steadiness,
        )
        return run_headless(engine, outlets, config, json=json)


def _means_one_digit(config: LiveConfig) -> bool:
    """Return whether a region is set, or the configuration file of a program that read one digit."""
    return config.region is not None or config.config is not None


def _list_cameras(*, json: bool) -> int:
    from digitlab.camera.webcam import list_devices

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


def _reader(config: LiveConfig) -> Any:
    from digitlab.apps.cli.reading import as_onnx
    from digitlab.live.loop import THREADS
    from digitlab.reading.reader import DEFAULT_THRESHOLD, Reader

    threshold = DEFAULT_THRESHOLD if config.threshold is None else config.threshold
    return Reader(as_onnx(config.model), threshold=threshold, threads=THREADS)


def _open_window(config: LiveConfig, notes: Sequence[str]) -> int:
    from digitlab.apps.desktop import run_window
    from digitlab.errors import MissingExtraError, UsageError

    # If neither a mode nor a region is given, the window chooses the mode by the source.
    mode = config.mode or ("region" if _means_one_digit(config) else None)
    # Outside `try`: an extra that a model needs is also needed without a window.
    reader = None if config.model is None and config.threshold is None else _reader(config)
    try:
        return run_window(
            config.source,
            reader,
            region=config.region,
            mode=mode,
            realtime=not config.fast,
            steadiness=config.steadiness,
            notes=notes,
        )
    except MissingExtraError as error:
        raise UsageError(f"{error}, or use --headless") from error
