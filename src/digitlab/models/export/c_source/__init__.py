"""Export to a C header and a C source file for microcontrollers: 8-bit weights and arithmetic, no dependencies."""

from digitlab.models.export.c_source.writing import export_c

__all__ = ["export_c"]
