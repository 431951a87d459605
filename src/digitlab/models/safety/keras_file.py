"""Open an untrusted ``.keras`` file."""

from __future__ import annotations

import contextlib
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import DigitlabError, ModelError, first_line
from digitlab.models.backend import keras
from digitlab.models.safety.archive import CONFIG, METADATA, WEIGHTS, check_archive, copy_member, read_member
from digitlab.models.safety.configuration import rebuild
from digitlab.models.safety.hdf5 import open_hdf5
from digitlab.models.safety.plain import mapping, parse_json, refuse, shown
from digitlab.models.safety.sizes import Budget, is_usual_shape, measure
from digitlab.models.sobel import SobelImage

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Members", "blaming", "expect_ours", "open_keras_file", "opened_members"]

_OWN = {"SobelImage": SobelImage}


@contextlib.contextmanager
def blaming(path: Path) -> Iterator[None]:
    """Add the file's name to every ModelError raised inside; other errors that the untrusted file causes become one."""
    try:
        yield
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ModelError as error:
        text = str(error)
        raise type(error)(text if text.startswith(f"{path}: ") else f"{path}: {text}") from error
    except DigitlabError:
        raise
    except Exception as error:  # values of unexpected types may raise anything
        reason = shown(f"{type(error).__name__}: {first_line(error)}")
        raise ModelError(f"{path}: is damaged, or written in a way that is not supported ({reason})") from error


def open_keras_file(path: Path) -> keras.Model:
    """Open the model in a ``.keras`` file, from a digit image in any usual shape to ten or eleven outputs; uncompiled.

    Raises:
        ModelError: for a file that is missing, damaged, of another kind, too large, or that holds more than layers and
            numbers.
    """
    with blaming(path), opened_members(path) as members:
        if members.version.startswith("2."):
            refuse(f"written by Keras {members.version}; `digitlab import` converts it")
        description = _described(members)
        with open_hdf5(members.weights):
            pass
        try:
            model = keras.saving.deserialize_keras_object(description, _OWN, safe_mode=True)
            model.load_weights(members.weights)
        except Exception as error:  # Keras' errors have no narrower common base class
            raise ModelError(f"Keras cannot open it: {shown(first_line(error))}") from error
        return model


@dataclass(frozen=True, slots=True)
class Members:
    """The content of a ``.keras`` file: its description, the recorded version of Keras, and a copy of the weights."""

    description: dict[str, Any]
    version: str
    weights: Path


@contextlib.contextmanager
def opened_members(path: Path) -> Iterator[Members]:
    """Yield the members of a ``.keras`` file, limited in size, with their content not yet checked.

    The weights are copied to a separate folder, so that the checked bytes are the ones that Keras opens.

    Raises:
        ModelError: when it is missing, not such an archive, or too large.
    """
    if not path.is_file():
        refuse("there is no such model file")
    with path.open("rb") as file, tempfile.TemporaryDirectory() as folder:
        archive = check_archive(path, file)
        description = mapping(parse_json(read_member(archive, CONFIG), CONFIG), CONFIG)
        has_metadata = METADATA in archive.namelist()
        metadata = mapping(parse_json(read_member(archive, METADATA), METADATA), METADATA) if has_metadata else {}
        weights = Path(folder) / WEIGHTS
        copy_member(archive, WEIGHTS, weights)
        yield Members(description, str(metadata.get("keras_version", "3"))[:20], weights)


def _described(members: Members) -> dict[str, Any]:
    """Return the rebuilt description, after checking its sizes."""
    description = rebuild(members.description)
    input_shape, output_shape = measure(description, Budget())
    if input_shape[0] is not None or not is_usual_shape(input_shape[1:]) or output_shape[1:] not in ((10,), (11,)):
        refuse(f"maps {input_shape} to {output_shape}; expected (N, 28, 28) images to (N, 10) probabilities")
    return description


def expect_ours(model: keras.Model) -> None:
    """Require 28 x 28 pixels and ten classes, where the convention is not searched for.

    Raises:
        ModelError: for other sizes.
    """
    if math.prod(model.input_shape[1:]) != 784 or tuple(model.output_shape[1:]) != (10,):
        refuse(
            f"maps {model.input_shape} to {model.output_shape}; expected (N, 28, 28) images to (N, 10) probabilities. "
            "`digitlab import` finds the form of images that it expects"
        )
