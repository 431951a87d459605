"""One small interface to whichever ROS is sourced here: ROS 1 (rospy) or ROS 2 (rclpy).

This project installs nothing of ROS: `rospy` comes with Debian's python3-rospy or a sourced setup.bash, `rclpy` with a
sourced setup.bash. Without either, the error of `ros_client` says what to do; `digitlab live --ros` needs neither.
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

_QUEUE = 1  # queue length of a topic: only the newest picture matters


class RosClient(Protocol):
    """A ROS node. Message types are named "package/Name"; messages are mappings of their fields, or message objects."""

    version: int
    name: str

    def parameter(self, name: str, default: Any) -> Any:
        """Return the node's private parameter of this name."""

    def subscribe(self, topic: str, kind: str, callback: Callable[[Any], None]) -> Callable[[], None]:
        """Call `callback` with each message; return a function that ends the subscription.

        Raises:
            SourceError: when there is no master, or no such type.
        """

    def publisher(self, topic: str, kind: str, *, latched: bool) -> Callable[[Any], None]:
        """Return a function that publishes to a topic; latched: later subscribers get the last message."""

    def message(self, kind: str) -> Any:
        """Return an empty message, to be filled.

        Raises:
            SourceError: when there is no such type.
        """

    def registered(self, topic: str) -> bool | None:
        """Return whether the master lists our publication of a topic; None if no master can be asked."""

    def renew(self) -> None:
        """Register all publications again, with a restarted master."""

    def is_over(self) -> bool:
        """Return whether the node was asked to end, e.g. by `rosnode kill`."""

    def close(self) -> None:
        """End the node."""


def ros_client(name: str, version: int | None = None, given: Mapping[str, str] | None = None) -> RosClient:
    """Create a node of the ROS that is sourced here; of ROS 1 if both are.

    given: parameters from the command line, for ROS 2; rospy reads them from there itself

    Raises:
        UsageError: when neither is sourced.
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
        "here, digitlab live --ros ws://HOST:9090 uses a rosbridge."
    )


def _message_type(kind: str) -> Any:
    package, _, name = kind.partition("/")
    try:
        return getattr(importlib.import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError) as error:
        raise SourceError(f"{kind}: this ROS has no messages of this type; is {package} installed?") from error


def _filled(message: Any, fields: Any) -> Any:
    """Set these fields of the message and return it; if `fields` is a message object already, return that."""
    if not isinstance(fields, dict):
        return fields
    for name, value in fields.items():
        setattr(message, name, value)
    return message


class Ros1:
    """A node of ROS 1. Its master may go away and come back; `renew` then registers the publications again."""

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
        # We handle signals ourselves: Ctrl-C must end the reader's threads as well.
        rospy.init_node(name, disable_signals=True, disable_rosout=False)
        self.name: str = rospy.get_name()
        self._publishers: dict[str, tuple[Any, Any, bool, Any]] = {}
        self._lock = threading.Lock()

    def parameter(self, name: str, default: Any) -> Any:
        """See `RosClient`."""
        return self._rospy.get_param("~" + name, default)

    def subscribe(self, topic: str, kind: str, callback: Callable[[Any], None]) -> Callable[[], None]:
        """See `RosClient`."""
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
        """See `RosClient`."""
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
        """See `RosClient`."""
        return _message_type(kind)()

    def registered(self, topic: str) -> bool | None:
        """See `RosClient`."""
        try:
            published, _, _ = self._master.getSystemState()
        except Exception:  # noqa: BLE001 - whatever a master that dies answers
            return None
        return any(name == self._rospy.resolve_name(topic) and self.name in nodes for name, nodes in published)

    def renew(self) -> None:
        """See `RosClient`."""
        with self._lock:
            for topic, (publisher, kind, latched, last) in self._publishers.items():
                with contextlib.suppress(Exception):
                    publisher.unregister()
                made = self._rospy.Publisher(topic, kind, latch=latched, queue_size=10)
                if last is not None:
                    made.publish(last)
                self._publishers[topic] = (made, kind, latched, last)

    def is_over(self) -> bool:
        """See `RosClient`."""
        return bool(self._rospy.is_shutdown())

    def close(self) -> None:
        """See `RosClient`."""
        self._rospy.signal_shutdown("digitlab ends")


class Ros2:
    """A node of ROS 2, spun in a thread of its own. There is no master: discovery recovers by itself."""

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
            try:
                self._executor.spin_once(timeout_sec=0.1)
            except Exception:
                if self._rclpy.ok():
                    raise
                return  # ended by rclpy's own handler of Ctrl-C (ExternalShutdownException)

    def parameter(self, name: str, default: Any) -> Any:
        """See `RosClient`."""
        if name in self._given or not self._node.has_parameter(name):
            return self._given.get(name, default)
        return self._node.get_parameter(name).value

    def subscribe(self, topic: str, kind: str, callback: Callable[[Any], None]) -> Callable[[], None]:
        """See `RosClient`."""
        from rclpy.qos import qos_profile_sensor_data

        subscription = self._node.create_subscription(_message_type(kind), topic, callback, qos_profile_sensor_data)
        return lambda: self._node.destroy_subscription(subscription) and None

    def publisher(self, topic: str, kind: str, *, latched: bool) -> Callable[[Any], None]:
        """See `RosClient`."""
        from rclpy.qos import DurabilityPolicy, QoSProfile

        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        message_type = _message_type(kind)
        made = self._node.create_publisher(message_type, topic, QoSProfile(depth=1, durability=durability))

        def publish(fields: Mapping[str, Any] | Any) -> None:
            try:
                made.publish(_filled(message_type(), fields))
            except Exception:
                if self._rclpy.ok():  # else it is being closed
                    raise

        return publish

    def message(self, kind: str) -> Any:
        """See `RosClient`."""
        return _message_type(kind)()

    def registered(self, topic: str) -> bool | None:  # noqa: ARG002
        """Return None: there is no master to ask."""
        return None

    def renew(self) -> None:
        """Do nothing: there is no master."""

    def is_over(self) -> bool:
        """See `RosClient`."""
        return not self._rclpy.ok()

    def close(self) -> None:
        """See `RosClient`."""
        self._closing = True
        self._thread.join(2.0)
        self._node.destroy_node()
        with contextlib.suppress(Exception):
            self._rclpy.shutdown()
