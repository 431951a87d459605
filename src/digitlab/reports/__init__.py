"""Numbers → figures and one self-contained page. matplotlib is imported when the first figure is drawn."""

from __future__ import annotations

from digitlab.reports.page import write_report

__all__ = ["write_report"]
