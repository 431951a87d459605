"""What most of the last frames agree on."""

from __future__ import annotations

from collections import Counter, deque

from digitlab.errors import UsageError

__all__ = ["Steady"]


class Steady:
    """The text that was read from at least `needed` of the last `window` frames.

    More than half of the window is needed, so that two texts cannot both win. The empty text can win like any other:
    it says that the page is surely empty, where None says that nothing is sure.

    >>> steady = Steady(needed=2, window=3)
    >>> [steady.add(text) for text in ("7", "1", "7", "4")]
    [None, None, '7', None]

    Raises:
        UsageError: when `needed` is not more than half of `window`, or more than all of it.
    """

    def __init__(self, needed: int = 4, window: int = 6) -> None:
        if not window < 2 * needed <= 2 * window:
            raise UsageError(
                f"steady in {needed} of {window} frames: expected more than half of the frames, and at most all"
            )
        self._needed = needed
        self._texts: deque[str] = deque(maxlen=window)

    def add(self, text: str) -> str | None:
        """Take the next frame's text; return the winner of the last frames, or None."""
        self._texts.append(text)
        winner, votes = Counter(self._texts).most_common(1)[0]
        return winner if votes >= self._needed else None
