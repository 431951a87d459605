"""The version of digitlab, in a module of its own: what the package exports asks for it too."""

__all__ = ["VERSION"]

VERSION = "0.2.0"
