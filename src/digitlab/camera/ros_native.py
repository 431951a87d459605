"""The ROS that is sourced here, ROS 1 (rospy) or ROS 2 (rclpy), behind one small interface.

Nothing of ROS is installed by this project: `rospy` comes with Debian's python3-rospy or a sourced setup.bash, `rclpy`
with a sourced setup.bash. Without either, `ros_client` says what to do; `digitlab live --ros` needs neither.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
from typing import TYPE_CHECKING, Any, Protocol

from digitlab.errors import SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Ros1", "Ros2", "RosClient", "ros_client"]

_QUEUE = 1  # messages of a topic that wait: the newest picture counts


class RosClient(Protocol):
    """A node. Messages are named "package/Name" and published as mappings of their fields, or as message objects."""

    version: int
    name: str

    def parameter(self, name: str, default: Any) -> Any:
        """The node's own parameter of this name."""

    def subscribe(self, topic: str, kind: str, callback: Callable[[Any], None]) -> Callable[[], None]:
        """Call back with each message; returns the function that ends it.

        Raises:
            SourceError: when there is no master, or no such type.
        """

    def publisher(self, topic: str, kind: str, *, latched: bool) -> Callable[[Any], None]:
        """The function that publishes to a topic; latched: later subscribers get the last message."""

    def message(self, kind: str) -> Any:
        """An empty message, to be filled.

        Raises:
            SourceError: when there is no such type.
        """

    def registered(self, topic: str) -> bool | None:
        """Whether others can find our publication of a topic; None where nobody can be asked."""

    def renew(self) -> None:
        """Publish all topics again, with a master that was started anew."""

    def is_over(self) -> bool:
        """Whether the node was asked to end, as by `rosnode kill`."""

    def close(self) -> None:
        """End the node."""


def ros_client(name: str, version: int | None = None, given: Mapping[str, str] | None = None) -> RosClient:
    """A node of the ROS that is sourced here; ROS 1 where both are.

    given: parameters of the command line, for ROS 2; rospy takes them from there itself

    Raises:
        UsageError: when neither is.
        SourceError: when there is no master.
    """
    makers: tuple[tuple[int, str, Callable[[], RosClient]], ...] = (
        (1, "rospy", lambda: Ros1(name)),
        (2, "rclpy", lambda: Ros2(name, given)),
    )
    for candidate, module, make in makers:
        if version in (None, candidate):
            try:
                importlib.import_module(module)
            except ImportError:
                continue
            return make()
    wanted = "" if version is None else f" {version}"
    raise UsageError(
        f"no ROS{wanted} is sourced here: Python finds neither rospy (ROS 1) nor rclpy (ROS 2). Source its setup.bash "
        "first, or on Debian: apt install python3-rospy and PYTHONPATH=/usr/lib/python3/dist-packages. Without ROS "
        "here, digitlab live --ros ws://HOST:9090 speaks with a rosbridge."
    )


def _message_type(kind: str) -> Any:
    package, _, name = kind.partition("/")
    try:
        return getattr(importlib.import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError) as error:
        raise SourceError(f"{kind}: this ROS has no such message; is {package} installed?") from error


def _filled(message: Any, fields: Any) -> Any:
    """The message with these fields; one that is a message already is itself."""
    if not isinstance(fields, dict):
        return fields
    for name, value in fields.items():
        setattr(message, name, value)
    return message


class Ros1:
    """A node of ROS 1. Its master may go and come back: `renew` then registers what is published again."""

    version = 1

    def __init__(self, name: str) -> None:
        """Start the node.

        Raises:
            SourceError: when no master answers.
        """
        import rosgraph
        import rospy

        self._rospy, self._master = rospy, rosgraph.Master("/" + name)
        if not rosgraph.is_master_online():
            raise SourceError(
                f"{rosgraph.get_master_uri()}: no ROS master answers; start roscore, or set ROS_MASTER_URI to the "
                "robot's"
            )
        # Signals are ours: Ctrl-C must end the reader's threads as well.
        rospy.init_node(name, disable_signals=True, disable_rosout=False)
        self.name: str = rospy.get_name()
        self._publishers: dict[str, tuple[Any, Any, bool, Any]] = {}
        self._lock = threading.Lock()

    def parameter(self, name: str, default: Any) -> Any:
        """As `RosClient` says."""
        return self._rospy.get_param("~" + name, default)

    def subscribe(self, topic: str, kind: str, callback: Callable[[Any], None]) -> Callable[[], None]:
        """As `RosClient` says."""
        try:
            subscriber = self._rospy.Subscriber(
                topic, _message_type(kind), callback, queue_size=_QUEUE, buff_size=1 << 25, tcp_nodelay=True
            )
        except (OSError, self._rospy.ROSException) as error:
            raise SourceError(f"{topic}: the ROS master does not answer ({error})") from error

        def end() -> None:
            with contextlib.suppress(OSError, self._rospy.ROSException):
                subscriber.unregister()

        return end

    def publisher(self, topic: str, kind: str, *, latched: bool) -> Callable[[Any], None]:
        """As `RosClient` says."""
        message_type = _message_type(kind)
        made = self._rospy.Publisher(topic, message_type, latch=latched, queue_size=10)
        self._publishers[topic] = (made, message_type, latched, None)

        def publish(fields: Any) -> None:
            with self._lock, contextlib.suppress(self._rospy.ROSException):  # it is being closed
                publisher, kind_of, latch, _ = self._publishers[topic]
                message = _filled(kind_of(), fields)
                publisher.publish(message)
                self._publishers[topic] = (publisher, kind_of, latch, message if latch else None)

        return publish

    def message(self, kind: str) -> Any:
        """As `RosClient` says."""
        return _message_type(kind)()

    def registered(self, topic: str) -> bool | None:
        """As `RosClient` says."""
        try:
            published, _, _ = self._master.getSystemState()
        except Exception:  # noqa: BLE001 - whatever a master that dies answers
            return None
        return any(name == self._rospy.resolve_name(topic) and self.name in nodes for name, nodes in published)

    def renew(self) -> None:
        """As `RosClient` says."""
        with self._lock:
            for topic, (publisher, kind, latched, last) in self._publishers.items():
                with contextlib.suppress(Exception):
                    publisher.unregister()
                made = self._rospy.Publisher(topic, kind, latch=latched, queue_size=10)
                if last is not None:
                    made.publish(last)
                self._publishers[topic] = (made, kind, latched, last)

    def is_over(self) -> bool:
        """As `RosClient` says."""
        return bool(self._rospy.is_shutdown())

    def close(self) -> None:
        """As `RosClient` says."""
        self._rospy.signal_shutdown("digitlab ends")


class Ros2:
    """A node of ROS 2, spun in a thread of its own. There is no master: discovery renews itself."""

    version = 2

    def __init__(self, name: str, given: Mapping[str, str] | None = None) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        self._rclpy, self._given = rclpy, dict(given or {})
        if not rclpy.ok():
            rclpy.init(args=None)
        self._node = rclpy.create_node(
            name, allow_undeclared_parameters=True, automatically_declare_parameters_from_overrides=True
        )
        self.name = str(self._node.get_fully_qualified_name())
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name="digitlab-ros2", daemon=True)
        self._closing = False
        self._thread.start()

    def _spin(self) -> None:
        while not self._closing and self._rclpy.ok():
            self._executor.spin_once(timeout_sec=0.1)

    def parameter(self, name: str, default: Any) -> Any:
        """As `RosClient` says."""
        if name in self._given or not self._node.has_parameter(name):
            return self._given.get(name, default)
        return self._node.get_parameter(name).value

    def subscribe(self, topic: str, kind: str, callback: Callable[[Any], None]) -> Callable[[], None]:
        """As `RosClient` says."""
        from rclpy.qos import qos_profile_sensor_data

        subscription = self._node.create_subscription(_message_type(kind), topic, callback, qos_profile_sensor_data)
        return lambda: self._node.destroy_subscription(subscription) and None

    def publisher(self, topic: str, kind: str, *, latched: bool) -> Callable[[Any], None]:
        """As `RosClient` says."""
        from rclpy.qos import DurabilityPolicy, QoSProfile

        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        message_type = _message_type(kind)
        made = self._node.create_publisher(message_type, topic, QoSProfile(depth=1, durability=durability))

        def publish(fields: Mapping[str, Any] | Any) -> None:
            made.publish(_filled(message_type(), fields))

        return publish

    def message(self, kind: str) -> Any:
        """As `RosClient` says."""
        return _message_type(kind)()

    def registered(self, topic: str) -> bool | None:  # noqa: ARG002
        """Nobody needs to be asked."""
        return None

    def renew(self) -> None:
        """Nothing to do."""

    def is_over(self) -> bool:
        """As `RosClient` says."""
        return not self._rclpy.ok()

    def close(self) -> None:
        """As `RosClient` says."""
        self._closing = True
        self._thread.join(2.0)
        self._node.destroy_node()
        with contextlib.suppress(Exception):
            self._rclpy.shutdown()
