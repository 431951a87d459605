"""Metrics → figures and self-contained pages. matplotlib is imported with the first figure."""

from __future__ import annotations

from digitlab.reports.comparison_page import comparison_path, write_comparison
from digitlab.reports.page import write_report
from digitlab.reports.slides import save_figures

__all__ = ["comparison_path", "save_figures", "write_comparison", "write_report"]
