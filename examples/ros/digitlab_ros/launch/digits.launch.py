"""ROS 2:  ros2 launch ./digits.launch.py image:=/camera/image_raw (digitlab must be on PATH)."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration


def generate_launch_description():
    """What `ros2 launch` runs."""
    names = {"image": "/camera/image_raw", "mode": "page", "topic": "/digits"}
    arguments = [DeclareLaunchArgument(name, default_value=value) for name, value in names.items()]
    parameters = [[f"_{name}:=", LaunchConfiguration(name)] for name in names]
    node = ExecuteProcess(cmd=["digitlab", "ros-node", "--ros", "2", *parameters], output="screen", respawn=True)
    return LaunchDescription([*arguments, node])
