"""Write the web page as a folder that works without a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.errors import UsageError
from digitlab.jobs.events import Work, ignore
from digitlab.jobs.named_models import onnx_file
from digitlab.runs import plain_name
from digitlab.static_page.config import PageConfig

if TYPE_CHECKING:
    from digitlab.jobs.events import Listener

__all__ = ["WrittenPage", "write_page"]


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """A page that was written.

    folder: the folder with index.html; models: names of the models in the page; the first one answers first
    sizes: bytes of each file by its name, uncompressed and compressed as web servers send it
    """

    folder: Path
    models: tuple[str, ...]
    sizes: dict[str, tuple[int, int]]

    @property
    def packed(self) -> int:
        """Bytes of all files, compressed."""
        return sum(packed for _, packed in self.sizes.values())


def write_page(folder: str | Path, config: PageConfig | None = None, *, listener: Listener = ignore) -> WrittenPage:
    """Write the page into a folder that works from any web host, from a shared folder and from the disk.

    Args:
        folder: a new folder, an empty one, or with --overwrite, one that holds an older page.
        config: which models and lessons it contains in addition to the shipped ones.
        listener: called with `Work`.

    Raises:
        UsageError: if the folder holds anything else.
        RecipeError: for a lesson that cannot be read.
        ModelError: for a model that cannot be opened.
        StorageError: if it cannot be written.
    """
    from digitlab.lessons import lessons_with
    from digitlab.static_page.folder import packed_size, page_files
    from digitlab.static_page.gallery import gallery_sets
    from digitlab.storage import write_bytes

    config = config or PageConfig()
    folder = Path(folder)
    _check(folder, config)
    lessons = lessons_with(config.lesson)
    models, pages = _models(config, listener)
    listener(Work("writing the page"))
    files = page_files(models, pages, gallery_sets(), lessons)
    # index.html last: a page whose writing was interrupted does not count as one.
    for name in sorted(files, key=lambda each: each == "index.html"):
        write_bytes(folder / name, files[name])
    sizes = {name: (len(content), packed_size(content)) for name, content in files.items()}
    return WrittenPage(folder, tuple(models), sizes)


def _check(folder: Path, config: PageConfig) -> None:
    from digitlab.static_page.folder import MARK

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; expected a folder to write the page into")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / MARK).is_file():
        raise UsageError(f"{folder} contains other files than a page; expected a new or an empty folder")
    if not config.overwrite:
        raise UsageError(f"{folder} contains a page already; add --overwrite to replace it, or choose another folder")


def _models(config: PageConfig, listener: Listener) -> tuple[dict[str, tuple[str, bytes]], bytes]:
    """Return the ONNX files by name, given ones first, and the page reader's."""
    from digitlab.network.classifier import DEFAULT_MODEL, read_model, resolve_model
    from digitlab.reading.page_network import page_network
    from digitlab.static_page.folder import PLAIN, plain_network

    models: dict[str, tuple[str, bytes]] = {}
    for model in config.model:
        path = resolve_model(onnx_file(model, listener=listener))
        source = "shipped" if path == resolve_model(DEFAULT_MODEL) else "given"
        models[DEFAULT_MODEL if source == "shipped" else _free_name(model, models)] = (source, read_model(path))
    if DEFAULT_MODEL not in models:
        models[DEFAULT_MODEL] = ("shipped", read_model(resolve_model(DEFAULT_MODEL)))
    models[PLAIN] = ("given", plain_network())
    return models, page_network(1).path.read_bytes()


def _free_name(source: str, used: dict[str, tuple[str, bytes]]) -> str:
    """Derive an unused name from a run's or a file's name."""
    from digitlab.network.classifier import DEFAULT_MODEL
    from digitlab.static_page.folder import PLAIN

    name = plain_name(source) or "model"
    free, number = name, 1
    while free in (*used, PLAIN, DEFAULT_MODEL):  # the shipped reader keeps its name
        number += 1
        free = f"{name}-{number}"
    return free
