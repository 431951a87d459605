"""Record which lines of chosen modules a call ran: by `sys.monitoring` where Python has it (3.12), else by tracing.

Monitoring reports each line once and then costs nothing; tracing reports every line every time. For the fuzzer the
result is the same: `Lines.new()` holds the lines that the last call was the first to reach.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import CodeType, FrameType

__all__ = ["Lines"]

Line = tuple[str, int]


class Lines:
    """A record of all lines that were run, and of those that the last call was the first to run."""

    def __init__(self, folders: list[Path], modules: tuple[str, ...] = ()) -> None:
        """folders: of the source files to watch; modules: more modules to watch, given by the start of their names"""
        self.seen: set[Line] = set()
        self._new: set[Line] = set()
        self._starts = tuple(str(each) for each in folders)
        self._parts = tuple(each.replace(".", "/") + "/" for each in modules) + tuple(f"/{each}.py" for each in modules)
        self._counts: dict[str, bool] = {}
        self._monitoring: Any = getattr(sys, "monitoring", None)
        if self._monitoring is not None:
            tool = self._monitoring.COVERAGE_ID
            self._monitoring.use_tool_id(tool, "endurance")
            self._monitoring.register_callback(tool, self._monitoring.events.LINE, self._told)

    def run(self, action: Callable[[], object]) -> None:
        """Call ``action`` while recording; its exceptions propagate."""
        self._new = set()
        if self._monitoring is not None:
            self._monitoring.set_events(self._monitoring.COVERAGE_ID, self._monitoring.events.LINE)
            try:
                action()
            finally:
                self._monitoring.set_events(self._monitoring.COVERAGE_ID, 0)
            return
        before = sys.gettrace()
        sys.settrace(self._entered)
        try:
            action()
        finally:
            sys.settrace(before)

    def new(self) -> set[Line]:
        """Return the lines that the last call was the first to run; from now on they count as seen."""
        new_lines = self._new - self.seen
        self.seen |= new_lines
        return new_lines

    def _matters(self, file: str) -> bool:
        known = self._counts.get(file)
        if known is None:
            known = file.startswith(self._starts) or any(part in file for part in self._parts)
            self._counts[file] = known
        return known

    def _told(self, code: CodeType, line: int) -> object:
        if self._matters(code.co_filename):
            self._new.add((code.co_filename, line))
        return self._monitoring.DISABLE

    def _entered(self, frame: FrameType, _: str, __: object) -> Any:
        return self._traced if self._matters(frame.f_code.co_filename) else None

    def _traced(self, frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            self._new.add((frame.f_code.co_filename, frame.f_lineno))
        return self._traced
