"""Modules in one classic script: what a browser makes of it is what it makes of the modules."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from digitlab.static_page.bundle import BundleError, bundled

if TYPE_CHECKING:
    from pathlib import Path

MODULES = {
    "a/page.js": 'import "./first.js";\nimport { twice as double, Box } from "../b/numbers.js";\n'
    'import * as all from "../b/numbers.js";\nawait Promise.resolve();\n'
    "said.push(double(4), new Box().size, all.NAMES.length, (await all.later()).default.word);\n",
    "a/first.js": 'said.push("first");\n',
    "b/numbers.js": "export const NAMES = [1, 2];\nexport function twice(value) {\n  return 2 * value;\n}\n"
    'export class Box {\n  size = 7;\n}\nexport const later = () => import("./words.js");\n',
    "b/words.js": 'export default {\n  word: "hola",\n};\n',
    "b/worker.js": "export async function answerQuestions(scope) {\n  scope.said.push('worker');\n}\n",
}


@pytest.mark.parametrize(("document", "said"), [("{}", ["first", 8, 7, 2, "hola"]), ("undefined", ["worker"])])
def test_the_page_and_its_worker_run(tmp_path: Path, document: str, said: list[object]) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    script = bundled(MODULES, "a/page.js", "b/worker.js")
    run = tmp_path / "run.js"
    run.write_text(
        f"globalThis.said = []; globalThis.document = {document};\n{script}\n"
        "setTimeout(() => console.log(JSON.stringify(globalThis.said)), 20);\n"
    )
    out = subprocess.run([node, str(run)], capture_output=True, text=True, check=True, timeout=60).stdout
    assert json.loads(out) == said


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ('import { a } from "./nowhere.js";\n', "there is no module a/nowhere.js"),
        ('export * from "../b/numbers.js";\n', "does not know this form"),
        ('import words from "../b/words.js";\n', "does not know this form"),
    ],
)
def test_what_it_does_not_know_it_refuses(module: str, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        bundled({**MODULES, "a/page.js": module}, "a/page.js", "b/worker.js")
