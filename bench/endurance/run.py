"""Run the endurance scripts of this folder one after another, each in a separate process.

    python bench/endurance/run.py                            # all, ten minutes each: `make endurance`
    python bench/endurance/run.py kills --count 200 --seed 0 --minutes 20
    python bench/endurance/run.py --minutes 1 --results /tmp/endurance

Options after the names are passed to every script that is run. Exit code 1 if a script found a failure.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SHARED = {"run", "results", "killing", "kinds_of_files", "subjects", "wholeness"}  # what scripts import, and this one
MINUTES = ["--minutes", "10"]


def scripts() -> dict[str, Path]:
    """Return the scripts by name, in alphabetical order."""
    paths = {path.stem: path for path in sorted(FOLDER.glob("[a-z]*.py"))}
    return {name: path for name, path in paths.items() if name not in SHARED}


def main() -> int:
    known, words = scripts(), sys.argv[1:]
    if "--help" in words or "-h" in words:
        print(f"{__doc__}\nScripts: {', '.join(known)}")
        return 0
    split = next((index for index, word in enumerate(words) if word.startswith("-")), len(words))
    names, options = words[:split], words[split:]
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"{', '.join(unknown)}: no such script; expected: {', '.join(known)}", file=sys.stderr)
        return 2
    if not any(word.split("=")[0] == "--minutes" for word in options):
        options = [*MINUTES, *options]
    broken = []
    for name in names or known:
        start = time.monotonic()
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, str(known[name]), *options], check=False)
        print(f"== {name}: exit code {done.returncode} after {time.monotonic() - start:.0f} s", flush=True)
        broken += [name] if done.returncode else []
    print(f"something did not hold in: {', '.join(broken)}" if broken else "everything held")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
