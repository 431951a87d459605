"""How fast networks learn in the browser, and how smooth the page stays:  python bench/browser_learning.py [EPOCHS]

The page without a server, in Chromium without a window. Both networks train on the 2,000 shipped digits. Printed for
each: images a second by the clock, and by the processor time of the worker's thread alone (Linux), which says what one
core does that has nothing else to do; the accuracy on the 500 test digits; and how many frames a second the page
painted before and while it ran, counted by `requestAnimationFrame`, with the waits between two and what the page's
thread needed for one. The load of the machine is printed with them: on a busy one the clock says less than the
processor time.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from digitlab.jobs import write_page

_IMAGES = 2_000
_COUNT = """() => {
  globalThis.waits = [];
  let last = performance.now();
  const frame = (now) => { globalThis.waits.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}"""


def workers() -> dict[str, float]:
    """Processor time of each thread of our own Chromium's that is a worker of a page, by its folder in /proc."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            parents[status.parent.name] = status.read_text().rpartition(")")[2].split()[1]
    found = {}
    for process in parents:
        above = process
        while above in parents and above != str(os.getpid()):
            above = parents[above]
        if above != str(os.getpid()):
            continue
        for task in Path("/proc", process, "task").glob("*"):
            with contextlib.suppress(OSError):
                if (task / "comm").read_text().startswith("DedicatedWorker"):
                    fields = (task / "stat").read_text().rpartition(")")[2].split()
                    found[str(task)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def frames(page: Any, seconds: float = 5.0) -> float:
    """Frames a second of the page as it is: on a busy machine they are fewer without any training too."""
    page.evaluate(_COUNT)
    page.wait_for_timeout(1_000 * seconds)
    waits = page.evaluate("() => globalThis.waits")
    return float(len(waits) / (sum(waits) / 1_000))


def page_seconds(session: Any) -> float:
    """Processor time of the page's own thread, which paints and hears the visitor."""
    told = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return float(told["TaskDuration"])


def measure(page: Any, address: str, network: str, epochs: int) -> str:
    """Train once, and say what that took."""
    page.goto("about:blank")
    page.goto(f"{address}#view=learning&digit=mnist-9&learn={network}~adam~~1~{epochs}~4")
    page.wait_for_selector("#learning .learned", timeout=120_000)
    page.wait_for_timeout(3_000)
    before = frames(page)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.evaluate(_COUNT)
    painting = page_seconds(session)
    known, clock = set(workers()), time.perf_counter()
    page.get_by_role("button", name="Start the training").click()
    status = page.locator("#learning .run .total")
    while "It is done." not in (told := status.inner_text()):
        page.wait_for_timeout(100)
    clock = time.perf_counter() - clock
    painting = page_seconds(session) - painting
    processor = sum(seconds for task, seconds in workers().items() if task not in known)  # the one that trains
    waits = sorted(page.evaluate("() => globalThis.waits"))
    return (
        f"{network}: {epochs} epochs in {clock:.1f} s, {epochs * _IMAGES / clock:,.0f} images/s by the clock and "
        f"{epochs * _IMAGES / processor:,.0f} a second of the worker's processor time; "
        f"{re.findall('[0-9.]+%', told)[-1]} of the test images; "
        f"{1_000 * len(waits) / sum(waits):.0f} frames/s ({before:.0f} just before it), "
        f"{1_000 * painting / len(waits):.1f} ms of processor time of the page's thread a frame, "
        f"the median wait {waits[len(waits) // 2]:.1f} ms, 95 % at most {waits[int(0.95 * len(waits))]:.0f} ms"
    )


def main(epochs: int) -> None:
    """Both networks, one after the other."""
    chromium = shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        address = (write_page(Path(folder) / "page").folder / "index.html").as_uri()
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en")
        sys.stdout.write(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
        for network in ("dense", "convolution"):
            sys.stdout.write(measure(page, address, network, epochs) + "\n")
            sys.stdout.flush()
        browser.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
