"""The version of digitlab, in its own module, because modules that the package exports need it too."""

__all__ = ["VERSION"]

VERSION = "0.2.0"
