"""The same folder on Ray Data as in processes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from digitlab.apps.cli import run
from digitlab.archives.parquet import parquet_rows

for package in ("ray", "pyarrow", "pandas"):
    pytest.importorskip(package, reason="the extra ray is not installed")

pytestmark = pytest.mark.xdist_group("keras")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_cluster_gives_what_this_machine_gives_and_goes_on(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    assert run(["read", str(scans / "sub"), "--out", str(there)]) == 0  # read before, on one machine
    assert run(["read", str(scans), "--engine", "ray", "--out", str(there)]) == 2
    assert run(["read", str(scans), "--out", str(here), "--jobs", "1"]) == 2
    assert "1 of 5 pictures are read already" in capsys.readouterr().err

    def rows(folder: Path) -> list[dict[str, object]]:
        found = [row for part in folder.glob("*.parquet") for row in parquet_rows(part)]
        return sorted(({**row, "ms": None} for row in found), key=lambda row: str(row["path"]))

    assert rows(there) == rows(here)
    assert len(rows(here)) == 5
    assert "ray" in sys.modules
