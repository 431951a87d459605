"""Audit of the packages installed with digitlab: known advisories, and the licence of every package in the lock files.

    python bench/endurance/audit.py                  # exit code 1 if an advisory or a licence is not accounted for
    python bench/endurance/audit.py --online         # asks pip-audit's database too, where it can be reached
    python bench/endurance/audit.py --table          # the licences as a table, for docs/dependencies.md

Advisories are listed in `advisories.toml`, with the version that fixed each, or why ours is not affected; `--online`
finds new ones. The minimum versions in pyproject.toml are checked as well: users install by them, not by our lock
files. Licences are as the packages declare; the few that declare none, or a copyleft one, are listed with a reason.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from results import Row, arguments, finish

if TYPE_CHECKING:
    import argparse

__all__ = ["ALLOWED", "REASONS", "advisory_faults", "floors", "licence_fault", "licence_of", "locked", "shipped"]

ROOT = Path(__file__).resolve().parents[2]
RUNNING, DEVELOPMENT = "requirements.lock", "requirements-dev.lock"

# Licences under which a package may be used, changed and distributed with an Apache-2.0 program, by their usual names.
ALLOWED: dict[str, str] = {
    "MIT": "permissive", "MIT-0": "permissive", "MIT-CMU": "permissive", "ISC": "permissive", "0BSD": "permissive",
    "BSD": "permissive, of 2 or 3 clauses", "Apache-2.0": "permissive, with a patent grant", "Zlib": "permissive",
    "PSF-2.0": "permissive", "CC0-1.0": "public domain", "Public-Domain": "public domain", "OLDAP-2.8": "permissive",
    "MPL-2.0": "copyleft for its own files only, which are not changed here",
}  # fmt: skip

# Packages whose licence is not in ALLOWED, or not declared: package → the licence, and why it is acceptable.
REASONS: dict[str, tuple[str, str]] = {
    "axe-playwright-python": ("MIT", "its repository says so; development only, and axe inside it is MPL-2.0"),
    "docutils": ("public domain, BSD, GPL", "the parts under GPL are tools of its own that nobody here runs"),
    "namex": ("Apache-2.0", "its repository says so, its metadata nothing; Keras brings it"),
    "paho-mqtt": ("EPL-2.0 or BSD-3-Clause", "taken under the second; the extra mqtt"),
    "pyside6-essentials": ("LGPL-3.0 or GPL", "taken under the first, as a package of its own: the extra desktop"),
    "shiboken6": ("LGPL-3.0 or GPL", "taken under the first, as a package of its own: the extra desktop"),
    "pypdfium2": ("BSD-3-Clause, Apache-2.0", "and permissive ones of what PDFium is made of: the extra pdf"),
    "pillow-heif": ("BSD-3-Clause", "its wheel holds libheif (LGPL) and x265 (GPL-2): the extra heif"),
    "zeroc-ice": ("GPL-2.0", "the extra ice, which nothing else needs; not in the lock files"),
    "tqdm": ("MPL-2.0 and MIT", "unchanged"),
    "greenlet": ("MIT and PSF-2.0", "both permissive"),
}  # fmt: skip

# How packages spell those of ALLOWED, in lower case; the first that is found in a part of the text counts.
_WRITTEN = (
    ("mit-cmu", "MIT-CMU"), ("mit-0", "MIT-0"), ("apache", "Apache-2.0"), ("0bsd", "0BSD"), ("bsd", "BSD"),
    ("mozilla public license 2.0", "MPL-2.0"), ("mpl-2.0", "MPL-2.0"), ("python software foundation", "PSF-2.0"),
    ("psf-2.0", "PSF-2.0"), ("isc license", "ISC"), ("isc", "ISC"), ("zlib", "Zlib"), ("cc0", "CC0-1.0"),
    ("oldap-2.8", "OLDAP-2.8"), ("public domain", "Public-Domain"), ("mit", "MIT"),
)  # fmt: skip
_NO_LICENCES = ("osi approved", "dfsg approved")


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence that a package declares.

    declared: as declared; known: the names from ALLOWED in it; unknown: parts that match none of them
    """

    declared: str
    known: tuple[str, ...]
    unknown: tuple[str, ...]


def locked(file: str) -> dict[str, str]:
    """Read a lock file: package → version."""
    text = (ROOT / file).read_text("utf-8")
    return {found[1].lower(): found[2] for found in re.finditer(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE)}


def shipped() -> dict[str, str]:
    """List the packages that come with digitlab or one of its extras, with their versions; no development tools."""
    locked_versions, pending, shipped_versions = locked(DEVELOPMENT) | locked(RUNNING), _wanted(), dict[str, str]()
    seen: set[str] = set()
    while pending:
        requirement = pending.pop()
        name, extras = _named(requirement), re.findall(r"[\w-]+", (re.search(r"\[(.*?)\]", requirement) or [""])[0])
        if name not in locked_versions or f"{name}{extras}" in seen:
            continue
        seen.add(f"{name}{extras}")
        shipped_versions[name] = locked_versions[name]
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for each in needs:
            extra_marker = re.search(r"extra == ['\"]([\w-]+)", each)
            pending += [each] if extra_marker is None or extra_marker[1] in extras else []
    return shipped_versions


def _wanted() -> list[str]:
    """Read the requirements in pyproject.toml, for running and for the extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]


def _named(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""


def licence_of(package: str) -> Licence | None:
    """Parse the licence that the installed package declares; None where it is not installed."""
    try:
        data = importlib.metadata.metadata(package)
    except importlib.metadata.PackageNotFoundError:
        return None
    classes = [each.split("::")[-1].strip() for each in data.get_all("Classifier") or [] if each.startswith("License")]
    classes = [each for each in classes if each.lower() not in _NO_LICENCES]
    text = next((line for line in (data.get("License") or "").splitlines() if line.strip()), "")
    declared = data.get("License-Expression") or "; ".join(classes) or text[:60]
    parts = [part for part in re.split(r";| AND | OR |, ", declared) if part.strip()]
    known = tuple(name for part in parts for name in [_known(part)] if name)
    return Licence(declared, known, tuple(part.strip() for part in parts if _known(part) is None))


def _known(part: str) -> str | None:
    return next((name for spelling, name in _WRITTEN if spelling in part.lower()), None)


def licence_fault(package: str) -> str | None:
    """Return why a package's licence is not accounted for, or None."""
    if package in REASONS:
        return None
    licence = licence_of(package)
    if licence is None:
        return f"{package}: is not installed here, so its licence is not known"
    if licence.unknown or not licence.known:
        return f"{package}: its licence is {licence.declared or 'not declared'!r}; expected one of {', '.join(ALLOWED)}"
    return None


def advisories() -> list[dict[str, Any]]:
    """Read the known advisories."""
    return list(tomllib.loads((Path(__file__).with_name("advisories.toml")).read_text("utf-8"))["advisory"])


def _version(text: str) -> tuple[int, ...]:
    parts = [int(part) for part in re.findall(r"\d+", text)]
    while parts and not parts[-1]:  # 3.15 equals 3.15.0
        parts.pop()
    return tuple(parts)


def advisory_faults(versions: dict[str, str]) -> list[str | None]:
    """Return, for each advisory on one of these packages, what is wrong, or None."""
    faults: list[str | None] = []
    for each in advisories():
        version = versions.get(each["package"])
        if version is None:
            continue
        safe = each["fixed"] and _version(version) >= _version(each["fixed"])
        message = f"{each['package']} {version}: {each['id']}, gone in {each['fixed'] or 'no version'}"
        faults.append(None if safe or each.get("argued") else message)
    return faults


def floors() -> dict[str, str]:
    """Map each package to the oldest version that pyproject.toml allows, for running and the extras."""
    minimums: dict[str, str] = {}
    for each in _wanted():
        if oldest := re.search(r">=\s*([\w.]+)", each):
            minimums[_named(each)] = oldest[1]
    return minimums


def online() -> tuple[list[str], str]:
    """Return what pip-audit finds in the lock files; and, if it could not be used, why."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--disable-pip", "--no-deps"]
    try:
        done = subprocess.run(
            [*command, "-r", DEVELOPMENT], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        report = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return [], f"pip-audit is not installed, or does not reach its database ({type(error).__name__})"
    faults = [
        f"{each['name']} {each['version']}: {vulnerability['id']}, "
        f"gone in {', '.join(vulnerability['fix_versions']) or 'no version'}"
        for each in report["dependencies"]
        for vulnerability in each.get("vulns", [])
    ]
    return faults, ""


def table() -> str:
    """Format the licences of what ships as a Markdown table."""
    lines = ["| licence | packages |", "|---|---|"]
    by_licence: dict[str, list[str]] = {}
    for package in sorted(shipped()):
        licence = licence_of(package)
        known = ", ".join(dict.fromkeys(licence.known)) if licence else ""
        name = REASONS[package][0] + ": " + REASONS[package][1] if package in REASONS else known
        by_licence.setdefault(name or "not known", []).append(package)
    lines += [f"| {name} | {', '.join(packages)} |" for name, packages in sorted(by_licence.items())]
    return "\n".join(lines)


def main() -> int:
    parser: argparse.ArgumentParser = arguments(__doc__, count=1)
    parser.add_argument("--online", action="store_true", help="ask pip-audit, where it is installed")
    parser.add_argument("--table", action="store_true", help="print the licences as a table, and end")
    options = parser.parse_args()
    if options.table:
        print(table())
        return 0
    versions = locked(DEVELOPMENT) | locked(RUNNING)
    known = Row("known advisories on locked packages", "clean or argued")
    for fault in advisory_faults(versions):
        known.add(fault)
    known.measured = {"argued": [f"{each['package']}: {each['id']}" for each in advisories() if each.get("argued")]}
    oldest = Row("known advisories on the oldest versions that pyproject.toml allows", "clean or argued")
    for fault in advisory_faults(floors()):
        oldest.add(fault)
    licences = Row("licences of locked packages", "clean or argued")
    for package in sorted(versions):
        licences.add(licence_fault(package))
    licences.measured = {"packages that ship": len(shipped()), "argued": sorted(REASONS)}
    rows = [known, oldest, licences]
    if options.online:
        faults, reason = online()
        rows.append(Row("pip-audit", "clean", len(versions), faults, reason))
    return finish("audit", rows, options)


if __name__ == "__main__":
    sys.exit(main())
