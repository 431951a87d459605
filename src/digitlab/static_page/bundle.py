"""The page's scripts, ES modules in many files, as one classic script.

Browsers load modules, and scripts of workers, only from servers: from disk (``file://``) they load only classic
scripts. The page's modules use few forms of import and export, so a few lines suffice as their bundler, and writing
the page needs no Node.js.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING

from digitlab.errors import DigitlabError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BundleError", "bundled"]

_IMPORT = re.compile(r'^import\s+(?:(\{[^}]*\}|\*\s+as\s+\w+)\s+from\s+)?"([^"]+)";', re.M)
_RENAMED = re.compile(r"(\w+)\s+as\s+(\w+)")
_LATER = re.compile(r'\bimport\("([^"]+)"\)')
_EXPORT = re.compile(r"^export\s+(async\s+function|function|class|const|let)\s+(\w+)", re.M)
_DEFAULT = re.compile(r"^export\s+default\s+", re.M)
_WAITS = re.compile(r"^await\s", re.M)

_BEFORE = """\
// digitlab's page in one script: the page itself, and in a worker what reads and explains. Made by `digitlab page`.
(function digitlab() {
"use strict";
const modules = {};
const made = new Map();
function load(name) {
  if (!made.has(name)) {
    const exports = {};
    made.set(name, exports);
    modules[name](exports);
  }
  return made.get(name);
}
"""
_AFTER = """
if (typeof document === "undefined") load(globalThis.digitlabWorker ?? "{worker}").answerQuestions(globalThis);
else {{
  globalThis.digitlabScript = `(${{digitlab}})();`;
  load("{page}");
}}
}})();
"""


class BundleError(DigitlabError):
    """A module uses a form of import or export that the bundler does not support."""


def bundled(sources: Mapping[str, str], page: str, worker: str, *more: str) -> str:
    """Bundle the modules into one script that starts with ``page``, or in a worker with ``worker``.

    Workers of another kind start with one of ``more``, whose name is in ``globalThis.digitlabWorker``.

    sources: the modules' text by path, e.g. "static/main.js"

    Raises:
        BundleError: for a module that is missing, or that cannot be parsed.
    """
    needed: dict[str, str] = {}

    def take(name: str) -> None:
        if name in needed:
            return
        if name not in sources:
            raise BundleError(f"there is no module {name}; expected one of {', '.join(sorted(sources))}")
        needed[name] = ""
        needed[name], dependencies = _module(name, sources[name])
        for other in dependencies:
            take(other)

    for start in (page, worker, *more):
        take(start)
    return _BEFORE + "".join(needed[name] for name in needed) + _AFTER.format(page=page, worker=worker)


def _module(name: str, text: str) -> tuple[str, list[str]]:
    """Convert a module to a function that fills ``exports``; return it, and the modules that it needs."""
    dependencies: list[str] = []

    def path(specifier: str) -> str:
        other = posixpath.normpath(posixpath.join(posixpath.dirname(name), specifier))
        dependencies.append(other)
        return json.dumps(other)

    def importing(match: re.Match[str]) -> str:
        bindings, specifier = match.groups()
        if bindings is None:
            return f"load({path(specifier)});"
        if bindings.startswith("*"):
            return f"const {bindings.split()[-1]} = load({path(specifier)});"
        names = _RENAMED.sub(r"\1: \2", bindings)
        return f"const {names} = load({path(specifier)});"

    exported = [(each, each) for _, each in _EXPORT.findall(text)]
    body = _IMPORT.sub(importing, text)
    body = _LATER.sub(lambda match: f"Promise.resolve(load({path(match[1])}))", body)
    body = _EXPORT.sub(r"\1 \2", body)
    body, defaults = _DEFAULT.subn("const the_default = ", body)
    if defaults:
        exported.append(("default", "the_default"))
    for word in ("import", "export"):
        left = re.search(rf"^{word}\b.*", body, re.M)
        if left:
            raise BundleError(f"{name}: the bundler does not know this form: {left[0][:80]}")
    getters = "".join(f"  get {public}() {{ return {own}; }},\n" for public, own in exported)
    filling = (
        f"Object.defineProperties(exports, Object.getOwnPropertyDescriptors({{\n{getters}}}));\n" if exported else ""
    )
    waits = "async " if _WAITS.search(body) else ""
    return f"modules[{json.dumps(name)}] = {waits}function (exports) {{\n{filling}{body}}};\n", dependencies
