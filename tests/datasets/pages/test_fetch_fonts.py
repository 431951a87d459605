"""The tool behind `make fonts`, with an npm that packs one font from this machine."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

from digitlab.datasets.pages import typefaces
from digitlab.datasets.pages.typefaces import fonts

ROOT = Path(__file__).parents[3]


@pytest.fixture
def tool() -> ModuleType:
    return importlib.import_module("tools.fetch_fonts")


@pytest.fixture
def registry(tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_cache: Path) -> Path:
    """A list of one font, and an `npm` that gives its archive; the list's path."""
    import matplotlib as mpl
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    font = TTFont(Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf")
    font.flavor = "woff"
    woff = io.BytesIO()
    font.save(woff)
    archive = tmp_path / "fontsource-dejavu-1.0.0.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        for name, content in (("files/dejavu-latin-400-normal.woff", woff.getvalue()), ("LICENSE", b"free")):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    sha512 = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    listed = tmp_path / "fonts.toml"
    listed.write_text(
        '[handwriting]\n[script]\n[print]\ndejavu = { version = "1.0.0", split = "train", licence = "free", '
        f'subsets = ["latin"], sha512 = "{sha512}" }}\n'
    )
    programs = tmp_path / "bin"
    programs.mkdir()
    npm = programs / "npm"
    npm.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n/bin/cp {archive} .\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(tool, "FONTS_LIST", listed)
    return listed


def test_fonts_are_fetched_once_cut_and_listed(
    tool: ModuleType, registry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool.main()
    assert (tmp_path / "calls").read_text() == "pack --silent @fontsource/dejavu@1.0.0\n"
    (font,) = fonts("train")
    assert set("Zwölf12ω") <= font.characters
    assert "\u2654" not in font.characters  # DejaVu's chess king: no text has it
    assert (typefaces.fonts_folder() / "dejavu-LICENSE.txt").read_bytes() == b"free"
    assert (typefaces.fonts_folder() / "dejavu-latin.ttf").stat().st_size < 150_000
    tool.main()
    assert "already" in capsys.readouterr().out
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


def test_another_archive_than_the_listed_is_refused(tool: ModuleType, registry: Path) -> None:
    registry.write_text(registry.read_text().replace('sha512 = "', 'sha512 = "AAAA'))
    with pytest.raises(SystemExit, match=r"SHA-512 is .* expects AAAA.* Nothing was installed"):
        tool.main()
    assert not typefaces.fonts_folder().exists()


def test_a_subset_that_is_not_there_names_those_that_are(tool: ModuleType, registry: Path) -> None:
    registry.write_text(registry.read_text().replace('["latin"]', '["greek"]'))
    with pytest.raises(SystemExit, match=r"no subset 'greek'; there are dejavu-latin-400-normal\.woff"):
        tool.main()


def test_without_npm_and_with_a_failing_one_the_reason_is_said(
    tool: ModuleType, registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin/npm").write_text("#!/bin/sh\necho no such host >&2\nexit 7\n")
    with pytest.raises(SystemExit, match=r"npm pack failed \(7\).*no such host"):
        tool.main()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(SystemExit, match="npm is not installed"):
        tool.main()


def test_the_list_is_pinned_free_and_split(tool: ModuleType) -> None:
    entries = [entry for _, entry in tool.listed().values()]
    assert len(entries) >= 60
    assert {entry["split"] for entry in entries} == {"train", "validation"}
    assert {entry["licence"] for entry in entries} <= {"OFL-1.1", "Apache-2.0"}
    assert all(len(base64.b64decode(entry["sha512"])) == 64 for entry in entries)
