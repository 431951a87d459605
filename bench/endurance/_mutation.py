"""Mutations of files that keep most of their structure: JSON, protobuf, zip, HDF5, XML, flatbuffers, text, plain bytes.

A file whose bytes are changed at random mostly fails at the first check. These mutations leave the containers valid and
alter what is inside: the values, names, numbers, links and lengths that a reader trusts.
All randomness comes from the `random.Random` that is passed in.
"""

from __future__ import annotations

import copy
import io
import json
import re
import struct
import sys
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_formats import damaged

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = [
    "EXTREMES", "TEXTS", "changed_bytes", "changed_flatbuffer", "changed_hdf5", "changed_json", "changed_keras",
    "changed_protobuf", "changed_text", "changed_zip",
]  # fmt: skip

EXTREMES: tuple[Any, ...] = (
    0, 1, -1, 2, 7, 28, 255, 256, 1 << 15, 1 << 16, 1 << 31, (1 << 31) - 1, 1 << 32, 1 << 40, (1 << 63) - 1, 1 << 63,
    (1 << 64) - 1, -(1 << 31), -(1 << 63), 10**30, 0.0, -0.0, 1e308, -1e308, 1e-320, float("nan"), float("inf"), 0.5,
    True, False, None,
)  # fmt: skip
TEXTS = (
    "", "x", "../../x", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:9/x", "\0", "\x1b[2J", "\ud800",
    "a" * 300,
    "é" * 50,
    "os.system", "builtins>eval", "hostile_canary", "keras.layers", "Lambda", "__lambda__", "function",
    "relu", "float32", "uint8", "None", "-1", "1e999", "%s%n", "{}", "__class__", "__proto__", "*/_ORT_MEM_ADDR_/*",
)  # fmt: skip


def changed_bytes(content: bytes, random_: random.Random) -> bytes:
    """Change a few bytes, or cut or repeat some."""
    return damaged(content, random_)


# -- JSON ---------------------------------------------------------------------------------------------------------


def changed_json(value: Any, random_: random.Random, fragments: tuple[Any, ...] = ()) -> Any:
    """Return a copy with one to four nodes changed.

    fragments: values to insert somewhere, e.g. a function referred to by name
    """
    value = json.loads(json.dumps(value))
    for _ in range(random_.randint(1, 4)):
        nodes = [*_json_nodes(value)]
        if not nodes:
            return random_.choice(EXTREMES)
        holder, key = random_.choice(nodes)
        _change_node(holder, key, random_, nodes, fragments)
    return value


def _json_nodes(value: Any) -> list[tuple[Any, Any]]:
    """List every node but the root, as its container and the key in it; stops at about 3,000."""
    nodes, pending = [], [value]
    while pending and len(nodes) < 3000:
        each = pending.pop()
        keys = each.keys() if isinstance(each, dict) else range(len(each)) if isinstance(each, list) else ()
        for key in keys:
            nodes.append((each, key))
            pending.append(each[key])
    return nodes


def _change_node(holder: Any, key: Any, random_: random.Random, nodes: list[Any], fragments: tuple[Any, ...]) -> None:
    if not (key in holder if isinstance(holder, dict) else key < len(holder)):  # removed by an earlier change
        return
    old, kind = holder[key], random_.randrange(12)
    other_holder, other_key = random_.choice(nodes)
    other = other_holder[other_key] if isinstance(other_holder, dict) and other_key in other_holder else old
    if kind <= 2:
        holder[key] = random_.choice(EXTREMES)
    elif kind <= 4:
        holder[key] = random_.choice(TEXTS)
    elif kind == 5:
        del holder[key]
    elif kind == 6:
        holder[key] = json.loads(json.dumps(other)) if _is_small(other) else random_.choice(EXTREMES)
    elif kind == 7:
        holder[key] = [old] * random_.choice((1, 2, 3, 50)) if _is_small(old) else [old]
    elif kind == 8 and isinstance(holder, dict):
        holder[random_.choice((*TEXTS, str(other_key)))] = holder.pop(key)
    elif kind == 9:
        holder[key] = _deep(random_.choice((10, 100, 900)), random_)
    elif kind == 10 and fragments:
        holder[key] = random_.choice(fragments)
    else:
        holder[key] = {"module": random_.choice(TEXTS), "class_name": random_.choice(TEXTS), "config": old}


def _is_small(value: Any) -> bool:
    return not isinstance(value, dict | list) or len(json.dumps(value)) < 3000


def _deep(levels: int, random_: random.Random) -> Any:
    value: Any = random_.choice(EXTREMES)
    for _ in range(levels):
        value = [value] if random_.random() < 0.5 else {"config": value}
    return value


# -- protobuf -----------------------------------------------------------------------------------------------------

Field = tuple[int, int, Any]  # number, wire type, value: an integer, bytes, or a list of fields
_LARGEST_MESSAGE = 20_000  # bytes: larger ones are weights
_LARGEST_WRITTEN = 2_000_000  # bytes


def changed_protobuf(content: bytes, random_: random.Random) -> bytes:
    """Change a few fields, at any depth; lengths are corrected afterwards, except in one mutation out of ten."""
    fields = _parsed(memoryview(content), 0)
    if not fields:
        return changed_bytes(content, random_)
    for _ in range(random_.randint(1, 4)):
        lists = _lists(fields)
        _change_field(random_.choice(lists), lists, random_)
    return _written(fields, random_ if random_.random() < 0.1 else None)


def _parsed(data: memoryview, depth: int) -> list[Field] | None:
    fields: list[Field] = []
    offset = 0
    while offset < len(data):
        key, offset = _varint(data, offset)
        kind = key & 7
        if offset < 0 or not key >> 3 or kind not in (0, 1, 2, 5):
            return None
        if kind == 0:
            value, offset = _varint(data, offset)
        else:
            length, offset = (8 if kind == 1 else 4, offset) if kind != 2 else _varint(data, offset)
            if offset < 0 or offset + length > len(data):
                return None
            value, offset = data[offset : offset + length], offset + length
            inner = _parsed(value, depth + 1) if kind == 2 and 1 < length < _LARGEST_MESSAGE and depth < 8 else None
            if kind == 2 and depth == 0 and length >= _LARGEST_MESSAGE:  # the graph
                inner = _parsed(value, 1)
            value = inner if inner else bytes(value)
        if offset < 0:
            return None
        fields.append((key >> 3, kind, value))
    return fields


def _varint(data: memoryview, offset: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if offset >= len(data):
            break
        value |= (data[offset] & 0x7F) << shift
        offset += 1
        if data[offset - 1] < 0x80:
            return value, offset
    return 0, -1


def _lists(fields: list[Field]) -> list[list[Field]]:
    result, pending = [], [fields]
    while pending:
        each = pending.pop()
        if each:
            result.append(each)
            pending += [value for _, _, value in each if isinstance(value, list)]
    return result or [fields]


def _change_field(chosen: list[Field], lists: list[list[Field]], random_: random.Random) -> None:
    if not chosen:
        return
    index = random_.randrange(len(chosen))
    number, kind, value = chosen[index]
    action = random_.randrange(9)
    if action <= 2 and kind == 0:
        chosen[index] = (number, 0, random_.choice([each for each in EXTREMES if type(each) is int]) % (1 << 64))
    elif action <= 2 and isinstance(value, bytes):
        chosen[index] = (number, kind, _other_bytes(value, random_) if kind == 2 else random_.randbytes(len(value)))
    elif action == 3:
        chosen[index] = (random_.choice((1, 2, 3, 5, 7, 11, 13, 14, 15, 20, 25, 100, number + 1)), kind, value)
    elif action == 4:
        del chosen[index]
    elif action == 5:
        chosen[index:index] = [copy.deepcopy(chosen[index]) for _ in range(random_.choice((1, 2, 20)))]
    elif action == 6:
        donor = random_.choice(lists)
        # A copy: serialising a list that contains itself would never end.
        chosen.insert(index, copy.deepcopy(random_.choice(donor)) if donor else (number, kind, value))
    elif action == 7:
        chosen[index] = (number, 2, [(number, kind, value)])
    else:
        chosen.insert(index, (random_.randint(1, 30), 2, random_.choice(TEXTS).encode("utf-8", "surrogatepass")))


def _other_bytes(value: bytes, random_: random.Random) -> bytes:
    if random_.random() < 0.5:
        return random_.choice(TEXTS).encode("utf-8", "surrogatepass")
    return damaged(value, random_) if value else b"x"


def _written(fields: list[Field], lying: random.Random | None) -> bytes:
    out = bytearray()
    for number, kind, value in fields:
        if len(out) > _LARGEST_WRITTEN:
            break
        out += _as_varint(number << 3 | kind)
        if kind == 0:
            out += _as_varint(value)
        else:
            content = _written(value, lying) if isinstance(value, list) else value
            if kind == 2:
                lie = lying.choice((1, -1, 1000, 1 << 40)) if lying and lying.random() < 0.1 else 0
                out += _as_varint(max(0, len(content) + lie))
            out += content
    return bytes(out)


def _as_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


# -- zip and Keras ------------------------------------------------------------------------------------------------


def changed_zip(members: dict[str, bytes], random_: random.Random) -> bytes:
    """Write the archive with something wrong in its directory, its names, or around it."""
    names = list(members)
    buffer = io.BytesIO()
    action = random_.randrange(10)
    method = zipfile.ZIP_STORED if random_.random() < 0.5 else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2 if action == 0 else method) as archive:
        for name in names:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            if action == 1 and random_.random() < 0.5:
                info.filename = random_.choice(("../../" + name, "/" + name, name + "/", name.upper(), "a/" + name))
            if action == 2:
                info.external_attr = 0o120777 << 16  # a symbolic link
            archive.writestr(
                info, members[name] if action != 3 else members[name] + bytes(random_.choice((1, 5_000_000)))
            )
            if action == 4:
                with warnings.catch_warnings(action="ignore"):  # about duplicate names, which are the purpose here
                    archive.writestr(zipfile.ZipInfo(name), members[random_.choice(names)])
        if action == 5:
            archive.writestr(random_.choice(("x.py", "assets/x", "model.weights.npz", "model.weights.json")), b"x" * 99)
        archive.comment = bytes(random_.choice((0, 10, 65_535))) if action == 6 else b""
    content = bytearray(buffer.getvalue())
    if action >= 7:
        _change_headers(content, random_)
    prefix = b"\x89HDF\r\n\x1a\n" if random_.random() < 0.05 else b""
    return prefix + bytes(content)


def _change_headers(content: bytearray, random_: random.Random) -> None:
    """Change numbers in the local headers, the central directory and its end record."""
    for _ in range(random_.randint(1, 3)):
        mark = random_.choice((b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"))
        starts = [start for start in range(len(content)) if content.startswith(mark, start)] if mark else []
        if starts:
            offset = random_.choice(starts) + random_.randrange(4, 46, 2)
            format_ = random_.choice(("<H", "<I"))
            value = random_.choice((0, 1, 8, 9, 12, 0xFFFF, 0xFFFFFFFF, 0x7FFFFFFF, len(content)))
            if offset + 4 <= len(content):
                struct.pack_into(format_, content, offset, value % (1 << (16 if format_ == "<H" else 32)))


def changed_keras(content: bytes, random_: random.Random, fragments: tuple[Any, ...] = ()) -> bytes:
    """Change the description, the weights, the zip structure or the bytes of a ``.keras`` file."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist() if info.file_size < 2_000_000}
    except Exception:  # noqa: BLE001 - it was no zip file to begin with
        return changed_bytes(content, random_)
    action = random_.random()
    if action < 0.5 and "config.json" in members:
        members["config.json"] = _changed_description(members["config.json"], random_, fragments)
    elif action < 0.7 and "model.weights.h5" in members:
        members["model.weights.h5"] = changed_hdf5(members["model.weights.h5"], random_, fragments)
    elif action < 0.85:
        return changed_zip(members, random_)
    elif action < 0.9:
        name = random_.choice(sorted(members))
        members[name] = changed_bytes(members[name], random_)
    else:
        return changed_bytes(content, random_)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _changed_description(content: bytes, random_: random.Random, fragments: tuple[Any, ...]) -> bytes:
    try:
        value = changed_json(json.loads(content), random_, fragments)
    except (ValueError, RecursionError):
        return changed_bytes(content, random_)
    return json.dumps(value).encode("utf-8", "surrogatepass")


# -- HDF5 ---------------------------------------------------------------------------------------------------------


def changed_hdf5(content: bytes, random_: random.Random, fragments: tuple[Any, ...] = ()) -> bytes:
    """Change attributes, links and datasets by means of the library itself, or change bytes."""
    if random_.random() < 0.35:
        return changed_bytes(content, random_)
    import h5py

    buffer = io.BytesIO(content)
    try:
        with h5py.File(buffer, "a") as file:
            for _ in range(random_.randint(1, 3)):
                object_names: list[str] = []
                file.visit(object_names.append)
                _change_object(file, random_.choice(["/", *sorted(object_names)]), random_, fragments)
    except Exception:  # noqa: BLE001, S110 - the library refuses a change: keep those made so far
        pass
    return buffer.getvalue() if random_.random() < 0.9 else changed_bytes(buffer.getvalue(), random_)


def _change_object(file: Any, name: str, random_: random.Random, fragments: tuple[Any, ...]) -> None:
    import h5py
    import numpy as np

    item, action = file[name], random_.randrange(10)
    if action <= 4 and len(item.attrs):
        key = random_.choice(sorted(item.attrs))
        text = item.attrs[key]
        text = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        if isinstance(text, bytes) and text.lstrip()[:1] == b"{" and random_.random() < 0.8:
            item.attrs[key] = _changed_description(text, random_, fragments)
        else:
            item.attrs[key] = random_.choice(
                (b"", b"x" * 60_000, np.array([b"a", b"b"]), np.zeros(3), np.int8(4), h5py.Empty("f"), b"theano", "é")
            )
        return
    if action == 5 and len(item.attrs):
        del item.attrs[random_.choice(sorted(item.attrs))]
        return
    if name == "/":
        item.attrs[random_.choice(("model_config", "keras_version", "backend", "layer_names", "x"))] = b"[" * 2000
        return
    above, _, last = name.rpartition("/")
    del file[name]
    make: list[Callable[[], Any]] = [
        lambda: file[above or "/"].__setitem__(last, h5py.SoftLink("/")),
        lambda: file[above or "/"].__setitem__(last, h5py.SoftLink(name)),
        lambda: file[above or "/"].__setitem__(last, h5py.ExternalLink("outside.h5", "/x")),
        lambda: file[above or "/"].__setitem__(last, file["/"]),
        lambda: file.create_dataset(name, (3, 3), np.float32, external=[("outside/secret.bin", 0, 36)]),
        lambda: file.create_dataset(name, (1 << 30, 1 << 20), np.float32),
        lambda: file.create_dataset(name, data=np.zeros((500, 500), np.float32), compression="gzip"),
        lambda: file.create_dataset(name, data=np.full((3, 3), np.nan)),
        lambda: file.create_dataset(name, data=np.zeros(0)),
        lambda: file.create_dataset(name, data=np.array([b"text"])),
        lambda: file.create_dataset(name, data=h5py.Empty("f")),
        lambda: file.create_dataset(name, (4,), h5py.ref_dtype),
        lambda: file.create_dataset(name, (4,), h5py.string_dtype()),
        lambda: file.create_dataset(name, (4,), np.dtype([("a", "f4"), ("b", "i2")])),
        lambda: file.__setitem__(name, np.dtype("f8")),
        lambda: file.create_group(name),
    ]
    random_.choice(make)()


# -- flatbuffers, text --------------------------------------------------------------------------------------------


def changed_flatbuffer(content: bytes, random_: random.Random) -> bytes:
    """Change four-byte offsets, lengths and numbers, half of them at the start, where small files have tables."""
    changed = bytearray(content)
    for _ in range(random_.randint(1, 4)):
        if len(changed) < 16:
            break
        end = len(changed) if random_.random() < 0.5 else min(len(changed), 4096)
        offset = random_.randrange(0, end - 8, random_.choice((2, 4)))
        original = struct.unpack_from("<i", changed, offset)[0]
        value = random_.choice(
            (
                0,
                1,
                -1,
                4,
                8,
                127,
                0x7FFFFFFF,
                -0x80000000,
                len(changed),
                original + 4,
                original - 4,
                original * 2,
                -original,
                offset,
            )
        )
        struct.pack_into("<I", changed, offset, value % (1 << 32))
        if random_.random() < 0.2:
            struct.pack_into("<I", changed, offset + 4, 0xFFFFFFFF)
    return bytes(changed) if random_.random() < 0.8 else changed_bytes(bytes(changed), random_)


_MARKS = (
    "[", "]", "{", "}", "<", ">", '"', "'", "=", ":", ",", "\n", "\t", "#", "-", "&a", "*a", "<<", "!!", "\\u0000",
)  # fmt: skip


def changed_text(content: bytes, random_: random.Random, words: tuple[str, ...] = ()) -> bytes:
    """Move, duplicate and drop lines and words; replace numbers and quoted texts; insert syntax characters."""
    text = content.decode("utf-8", "surrogateescape")
    for _ in range(random_.randint(1, 4)):
        tokens = re.split(r"(\s+|[^\w\s]+)", text)
        index = random_.randrange(len(tokens))
        action = random_.randrange(9)
        if action == 0:
            tokens[index] = str(random_.choice(EXTREMES))
        elif action == 1:
            tokens[index] = random_.choice((*TEXTS, *words))
        elif action == 2:
            tokens[index] = random_.choice(_MARKS) * random_.choice((1, 2, 3, 1000))
        elif action == 3:
            del tokens[index : index + random_.randint(1, 5)]
        elif action == 4:
            tokens[index:index] = tokens[index : index + random_.randint(1, 20)]
        elif action == 5:
            other = random_.randrange(len(tokens))
            tokens[index], tokens[other] = tokens[other], tokens[index]
        elif action == 6:
            lines = text.split("\n")
            line = random_.randrange(len(lines))
            lines.insert(random_.randrange(len(lines)), lines[line])
            tokens = ["\n".join(lines)]
        elif action == 7:
            tokens.insert(index, random_.choice(words) if words else random_.choice(TEXTS))
        else:
            return changed_bytes(_encoded(text), random_)
        text = "".join(tokens)[:200_000]
    return _encoded(text)


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
