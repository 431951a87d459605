"""`digitlab page`."""

from __future__ import annotations

from typing import Any

from digitlab.apps.cli.console import advise, say
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.jobs import page as jobs
from digitlab.static_page.config import PageConfig

__all__ = ["page"]


@options_of(jobs.write_page, PageConfig)
def page(**options: Any) -> int:
    """Write the page that `digitlab serve` shows into a folder, with networks that run in the browser.

    The folder works on any web server, in a shared folder and from the disk (open index.html). Nothing that is
    drawn, photographed or filmed leaves the browser; only training on the page needs `digitlab serve`.

    For example:
    digitlab page digits/
    digitlab page digits/ --model runs/2026-…-thesis-2conv --overwrite
    """
    folder = options.pop("folder")
    with JobView() as view:
        written = jobs.write_page(folder, PageConfig(**options), listener=view)
    for name, (size, packed) in written.sizes.items():
        advise(f"{name}: {size:,} bytes, {packed:,} as a web server sends it")
    advise(f"models: {', '.join(written.models)}; {written.packed / 1e6:.1f} MB in all as it is sent")
    say(str(written.folder / "index.html"))
    return 0
