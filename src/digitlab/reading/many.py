"""Many pictures by one reader: threads read ahead, the answers come in the order of the pictures."""

from __future__ import annotations

import itertools
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from digitlab.errors import DigitlabError, ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

__all__ = ["in_order"]

_AHEAD = 2  # pictures for each thread that are being read or wait to be fetched

Given = TypeVar("Given")
Answer = TypeVar("Answer")


def in_order(
    pictures: Iterable[Given], answer: Callable[[Given], Answer], threads: int
) -> Iterator[Answer | DigitlabError]:
    """The answer to each picture, in their order; of one that is refused, the error.

    Pictures are taken from the iterable only a few ahead of the answers that were fetched.

    threads: 0 is one per core
    """
    count, left = threads or os.cpu_count() or 1, iter(pictures)
    pool = ThreadPoolExecutor(count, thread_name_prefix="read-many")
    under_way: deque[Future[Answer | DigitlabError]] = deque()
    try:
        while True:
            for each in itertools.islice(left, count * _AHEAD - len(under_way)):
                under_way.append(pool.submit(_answer_or_error, answer, each))
            if not under_way:
                return
            yield under_way.popleft().result()
    finally:  # also when whoever fetches has had enough
        pool.shutdown(cancel_futures=True)


def _answer_or_error(answer: Callable[[Given], Answer], picture: Given) -> Answer | DigitlabError:
    try:
        return answer(picture)
    except DigitlabError as error:
        return error
    except MemoryError:
        return ImageError("a picture does not fit into the memory; make it smaller first")
