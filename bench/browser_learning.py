"""Training speed in the browser, and how smooth the page stays meanwhile:  python bench/browser_learning.py [EPOCHS]

The page runs without a server, in headless Chromium. Both networks train on the 2,000 shipped digits. Printed for
each: images per second of wall-clock time, and of CPU time of the worker's thread alone (Linux), which says what an
otherwise idle core would achieve; the accuracy on the 500 test digits; and how many frames per second the page
painted before and during the training, counted by `requestAnimationFrame`, with the intervals between frames and the
CPU time that the page's thread needed per frame. The machine's load is printed with them: on a busy machine,
wall-clock time is less reliable than CPU time.
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
    """Return the CPU time of each page worker thread of the Chromium that we started, by its folder in /proc."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # the process has ended meanwhile
            parents[status.parent.name] = status.read_text().rpartition(")")[2].split()[1]
    seconds_by_task = {}
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
                    seconds_by_task[str(task)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds_by_task


def frames(page: Any, seconds: float = 5.0) -> float:
    """Measure the page's frames per second as it is now: on a busy machine they are fewer even without any training."""
    page.evaluate(_COUNT)
    page.wait_for_timeout(1_000 * seconds)
    waits = page.evaluate("() => globalThis.waits")
    return float(len(waits) / (sum(waits) / 1_000))


def page_seconds(session: Any) -> float:
    """Return the CPU time of the page's own thread, which paints and handles the visitor's input."""
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def measure(page: Any, address: str, network: str, epochs: int) -> str:
    """Train once and describe the result."""
    page.goto("about:blank")
    page.goto(f"{address}#view=learning&digit=mnist-9&learn={network}~adam~~1~{epochs}~4")
    page.wait_for_selector("#learning .learned", timeout=120_000)
    page.wait_for_timeout(3_000)
    before = frames(page)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.evaluate(_COUNT)
    painting = page_seconds(session)
    earlier, clock = set(workers()), time.perf_counter()
    page.get_by_role("button", name="Start the training").click()
    status = page.locator("#learning .run .total")
    while "Finished." not in (text := status.inner_text()):
        page.wait_for_timeout(100)
    clock = time.perf_counter() - clock
    painting = page_seconds(session) - painting
    processor = sum(seconds for task, seconds in workers().items() if task not in earlier)  # the worker that trains
    waits = sorted(page.evaluate("() => globalThis.waits"))
    return (
        f"{network}: {epochs} epochs in {clock:.1f} s, {epochs * _IMAGES / clock:,.0f} images/s by the clock and "
        f"{epochs * _IMAGES / processor:,.0f} a second of the worker's processor time; "
        f"{re.findall('[0-9.]+%', text)[-1]} of the test images; "
        f"{1_000 * len(waits) / sum(waits):.0f} frames/s ({before:.0f} just before it), "
        f"{1_000 * painting / len(waits):.1f} ms of processor time of the page's thread a frame, "
        f"the median wait {waits[len(waits) // 2]:.1f} ms, 95 % at most {waits[int(0.95 * len(waits))]:.0f} ms"
    )


def main(epochs: int) -> None:
    """Measure both networks, one after the other."""
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
