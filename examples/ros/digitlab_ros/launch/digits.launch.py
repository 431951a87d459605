"""ROS 2:  ros2 launch ./digits.launch.py image:=/camera/image_raw (digitlab must be on PATH)."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration


def generate_launch_description():
    names = {"image": "/camera/image_raw", "mode": "page", "topic": "/digits"}
    arguments = [DeclareLaunchArgument(name, default_value=value) for name, value in names.items()]
    parameters = [part for name in names for part in ("-p", [f"{name}:=", LaunchConfiguration(name)])]
    node = ExecuteProcess(
        cmd=["digitlab", "ros-node", "--ros", "2", "--ros-args", *parameters], output="screen", respawn=True
    )
    return LaunchDescription([*arguments, node])
