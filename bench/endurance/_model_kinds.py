"""Kinds of hostile model files, and how each is mutated.

A kind consists of a file (with any files beside it), the advisory or discussion that it is taken from, and a mutation
that keeps its structure. `kinds` makes them all from intact files (`intact_files`), which a separate process writes.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _keras_attacks import (
    WEIGHT_ATTACKS,
    Bomb,
    Members,
    called_models,
    hostile_call,
    hostile_layers,
    hostile_weights,
    marshalled,
    reversed_chain,
    with_layer,
)
from _mutation import (
    changed_bytes,
    changed_flatbuffer,
    changed_hdf5,
    changed_json,
    changed_keras,
    changed_protobuf,
    changed_text,
)
from _onnx_attacks import endless_onnx, hostile_onnx, linear_onnx

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

__all__ = ["Kind", "intact_files", "kinds"]

Files = dict[str, bytes]  # by path in the folder; the first file is opened, or the folder that it is in


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of attack.

    name: what is attacked, with the CVE, advisory or fix where there is one
    files: the attack itself; change: returns a mutation of it
    opened: the name that is opened; by default, the first file's
    """

    name: str
    files: Files
    change: Callable[[Files, random.Random], Files]
    opened: str = ""

    @property
    def is_costly(self) -> bool:
        """Whether a converter opens it, which takes a second or more: such kinds are tried less often."""
        return self.name.startswith(("json:", "litert:", "saved model:", "openvino:", "onnx: of somebody"))

    @property
    def entry(self) -> str:
        return self.opened or next(iter(self.files))


def intact_files(folder: Path, *, quick: bool = False) -> None:
    """Write one intact file of each framework. Loads and runs TensorFlow, so it is done in a separate process.

    quick: only the files that need no converter
    """
    import keras
    import tensorflow as tf

    from digitlab.models import build

    build("slides-cnn").save(folder / "good.keras")
    (folder / "linear.onnx").write_bytes(linear_onnx())
    if quick:
        return
    tiny = keras.Sequential([
        keras.Input((28, 28, 1)), keras.layers.AveragePooling2D(4), keras.layers.Flatten(),
        keras.layers.Dense(10, "softmax"),
    ])  # fmt: skip
    tiny.export(folder / "saved", verbose=False)
    (folder / "tiny.json").write_text(tiny.to_json())
    tiny.save_weights(folder / "tiny.weights.h5")
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved"))
    (folder / "tiny.tflite").write_bytes(converter.convert())
    try:
        import openvino
    except ImportError:  # an optional dependency
        return
    (folder / "foreign.onnx").write_bytes(_foreign_onnx())
    openvino.save_model(openvino.convert_model(folder / "foreign.onnx"), folder / "net.xml", compress_to_fp16=False)


def _foreign_onnx() -> bytes:
    """Build a linear network that takes float32 (N, 784): one not made by digitlab."""
    from onnx import TensorProto, helper, numpy_helper

    random_ = np.random.default_rng(0)
    weights = numpy_helper.from_array(random_.normal(size=(784, 10)).astype(np.float32), "w")
    start = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 784])
    end = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Softmax", ["m"], ["y"], axis=1)]
    graph = helper.make_graph(nodes, "g", [start], [end], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def kinds(intact: Path, marker: Path, outside: Path) -> list[Kind]:
    """Make all kinds.

    intact: the folder of `intact_files`; marker: the file that foreign code would write; outside: a forbidden file
    """
    with zipfile.ZipFile(intact / "good.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    fragments = tuple(hostile_layers(str(marker), str(outside)).values())
    result = [
        *_of_layers(members, marker, outside, fragments),
        *_of_archives(members, marker, fragments),
        *_of_weights(members, outside, fragments),
        *_of_old_hdf5(marker, outside, fragments),
        *_of_onnx(outside),
        *_of_pickles(marker),
    ]
    if (intact / "tiny.tflite").is_file():
        result += [*_of_descriptions(intact, fragments), *_of_litert(intact), *_of_saved_models(intact, outside)]
    if (intact / "net.xml").is_file():
        result += _of_openvino(intact, outside)
    if len({kind.name for kind in result}) < len(result):
        raise ValueError("two kinds have one name")
    return result


# -- .keras -------------------------------------------------------------------------------------------------------


def _only(change: Callable[..., bytes], *more: Any) -> Callable[[Files, random.Random], Files]:
    """Wrap ``change`` so that it changes the first file."""

    def changed(files: Files, random_: random.Random) -> Files:
        name = next(iter(files))
        return {**files, name: change(files[name], random_, *more)}

    return changed


def _packed(members: Members, **changed: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in {**members, **changed}.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _of_layers(members: Members, marker: Path, outside: Path, fragments: tuple[Any, ...]) -> Iterator[Kind]:
    change = _only(changed_keras, fragments)
    yield Kind("keras: intact", {"evil.keras": _packed(members)}, change)
    attacks = hostile_layers(str(marker), str(outside))
    attacks["called with a path (CVE-2025-9906)"] = hostile_call(str(outside))
    for name, layer in attacks.items():
        config = with_layer(members, layer)
        yield Kind(f"keras: {name}", {"evil.keras": _packed(members, **{"config.json": config})}, change)
        if name.startswith(("lambda", "module that", "function of")):
            old = {"config.json": config, "metadata.json": b'{"keras_version": "2.15.0"}'}
            yield Kind(f"tf-keras: {name}", {"evil.keras": _packed(members, **old)}, change)
    nested = _packed(members, **{"config.json": called_models()})
    yield Kind("keras: models that call models many times", {"evil.keras": nested}, _only(changed_bytes))
    long = _packed(members, **{"config.json": reversed_chain(600, 60)})
    yield Kind("keras: layers in reverse order, of many connections", {"evil.keras": long}, _only(changed_bytes))


def _of_archives(members: Members, marker: Path, fragments: tuple[Any, ...]) -> Iterator[Kind]:
    change = _only(changed_keras, fragments)
    zeros = bytes(30_000_000)
    bombed = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    config = json.loads(members["config.json"])
    config["compile_config"] = {"optimizer": bombed, "loss": marshalled(str(marker))}
    config["build_config"] = {"input_shape": [None, 10**9, 10**9]}
    contents = {
        "decompression bomb in the weights (keras PR 23010)": _packed(members, **{"model.weights.h5": zeros}),
        "decompression bomb in the description": _packed(members, **{"config.json": zeros}),
        "file in assets": _packed(members, **{"assets/words.txt": b"x"}),
        "climbing member (CVE-2025-12060)": _packed(members, **{"../x": b"x"}),
        "weights in npz, with objects (keras PR 23016)": _packed(members, **{"model.weights.npz": _objects(marker)}),
        "weights in shards": _packed(members, **{"model.weights.json": b'{"weight_map": {"x": ["../../x.h5"]}}'}),
        "many members": _packed(members, **{f"m{i}": b"" for i in range(3000)}),
        "deep description": _packed(members, **{"config.json": b"[" * 200_000 + b"]" * 200_000}),
        "compiled with functions": _packed(members, **{"config.json": json.dumps(config).encode()}),
        "zip64": _packed(members)[:-22] + b"PK\x06\x07" + bytes(16) + _packed(members)[-22:],
        "pickle as weights": _packed(members, **{"model.weights.h5": pickle.dumps(Bomb(marker))}),
    }
    for name, content in contents.items():
        yield Kind(f"keras: {name}", {"evil.keras": content}, change)


def _objects(marker: Path) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, x=np.array([Bomb(marker)], object))
    return buffer.getvalue()


def _of_weights(members: Members, outside: Path, fragments: tuple[Any, ...]) -> Iterator[Kind]:
    import h5py

    for attack in WEIGHT_ATTACKS:
        buffer = io.BytesIO(members["model.weights.h5"])
        with h5py.File(buffer, "a") as file:
            hostile_weights(file, attack, outside)
        content = _packed(members, **{"model.weights.h5": buffer.getvalue()})
        cve = {"external storage": " (CVE-2026-1669)", "claims terabytes": " (CVE-2026-0897)"}.get(attack, "")
        yield Kind(f"keras weights: {attack}{cve}", {"evil.keras": content}, _only(changed_keras, fragments))


# -- .h5 of Keras 1 and 2 -----------------------------------------------------------------------------------------


def _old_hdf5(layer: dict[str, Any] | None, **attributes: Any) -> bytes:
    import h5py

    start = {"name": "r", "scale": 1.0, "offset": 0.0, "batch_input_shape": [None, 28, 28, 1]}
    layers = [{"class_name": "Rescaling", "config": start}, *([layer] if layer else [])]
    layers += [{"class_name": "Flatten", "config": {"name": "f"}}]
    layers += [{"class_name": "Dense", "config": {"name": "d", "units": 10, "activation": "softmax"}}]
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        description = {"class_name": "Sequential", "config": layers}
        file.attrs["model_config"] = json.dumps(description).encode()
        weights = file.create_group("model_weights")
        for parent_group in (file, weights):
            parent_group.attrs.update({"backend": b"tensorflow", "keras_version": b"2.2.4", **attributes})
        weights.attrs["layer_names"] = [b"d"]
        group = weights.create_group("d")
        group.attrs["weight_names"] = [b"k", b"b"]
        group["k"], group["b"] = np.zeros((784, 10), np.float32), np.zeros(10, np.float32)
    return buffer.getvalue()


def _of_old_hdf5(marker: Path, outside: Path, fragments: tuple[Any, ...]) -> Iterator[Kind]:
    import h5py

    change = _only(changed_hdf5, fragments)
    yield Kind("h5: intact", {"evil.h5": _old_hdf5(None)}, change)
    for name, layer in hostile_layers(str(marker), str(outside)).items():
        yield Kind(f"h5: {name}", {"evil.h5": _old_hdf5(layer)}, change)  # CVE-2025-9905
    for name, link in {
        "link to another file (keras PR 22900)": h5py.ExternalLink(str(outside.parent / "outside.h5"), "/x"),
        "link inside": h5py.SoftLink("/model_weights/d"),
    }.items():
        buffer = io.BytesIO(_old_hdf5(None))
        with h5py.File(buffer, "a") as file:
            del file["model_weights"]
            file["model_weights"] = link
        yield Kind(f"h5: {name}", {"evil.h5": buffer.getvalue()}, change)
    endless = _old_hdf5(None, training_config=json.dumps({"loss": marshalled(str(marker))}).encode())
    yield Kind("h5: trained with a function", {"evil.h5": endless}, change)


# -- ONNX ---------------------------------------------------------------------------------------------------------


def _of_onnx(outside: Path) -> Iterator[Kind]:
    from onnx import helper, numpy_helper

    change = _only(changed_protobuf)
    yield Kind("onnx: intact", {"evil.onnx": linear_onnx()}, change)
    yield Kind("onnx: of somebody else", {"evil.onnx": _foreign_onnx()}, change)
    data_files = {"secret.bin": bytes(31360), "link.bin": bytes(31360)}
    for name, (content, _) in hostile_onnx(outside).items():
        light = len(content) < 1_000_000
        yield Kind(f"onnx: {name}", {"evil.onnx": content, **data_files}, change if light else _only(changed_bytes))
    yield Kind("onnx: hours of computing", {"evil.onnx": endless_onnx(500)}, _only(changed_bytes))
    yield Kind("onnx: thousands of outputs", {"evil.onnx": _many_outputs()}, _only(changed_bytes))
    for name, node in {
        "trees with indices outside (onnxruntime PR 27699)": helper.make_node(
            "TreeEnsembleClassifier", ["x"], ["l", "y"], domain="ai.onnx.ml", nodes_treeids=[1 << 40],
            nodes_truenodeids=[-5], nodes_modes=["BRANCH_LEQ"], nodes_values=[0.0], class_ids=[99],
        ),
        "features with negative indices (onnxruntime issue 27265)": helper.make_node(
            "ArrayFeatureExtractor", ["x", "s"], ["y"], domain="ai.onnx.ml"
        ),
        "context of another provider, from a file": helper.make_node(
            "EPContext", ["x"], ["y"], domain="com.microsoft", ep_cache_context=str(outside), embed_mode=0
        ),
        "resized beyond bounds": helper.make_node("Resize", ["x", "", "scales"], ["y"]),
        "padded beyond bounds": helper.make_node("Pad", ["x", "pads"], ["y"]),
    }.items():  # fmt: skip
        numbers = [
            numpy_helper.from_array(np.array([-10]), "s"),
            numpy_helper.from_array(np.array([1, 1e6, 1e6], np.float32), "scales"),
            numpy_helper.from_array(np.array([0, 1 << 40, 1 << 40, 0, 0, 0]), "pads"),
        ]
        yield Kind(f"onnx: {name}", {"evil.onnx": linear_onnx([node], numbers)}, change)


def _many_outputs() -> bytes:
    """Build a foreign network with thousands of outputs, each of which would be tried."""
    import onnx

    model = onnx.load_model_from_string(_foreign_onnx())
    for number in range(5_000):
        model.graph.output.add(name=f"o{number}")
    return bytes(model.SerializeToString())


# -- pickles, whatever their file extension -----------------------------------------------------------------------


def _of_pickles(marker: Path) -> Iterator[Kind]:
    for protocol in (0, 2, 4):
        content = pickle.dumps(Bomb(marker), protocol)
        for ending in ("keras", "h5", "onnx", "pt", "pkl", "tflite", "json", "xml"):
            if protocol == 2 or ending in ("keras", "pkl"):
                name = f"pickle: protocol {protocol} as .{ending}"
                yield Kind(name, {f"evil.{ending}": content}, _only(changed_bytes))
    torch = io.BytesIO()
    with zipfile.ZipFile(torch, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb(marker), 2))
        archive.writestr("archive/version", b"3\n")
    for ending in ("pt", "keras", "onnx"):
        yield Kind(f"pickle: of PyTorch as .{ending}", {f"evil.{ending}": torch.getvalue()}, _only(changed_keras))
    header = json.dumps({"x": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 50]}}).encode()
    safe = struct.pack("<Q", len(header)) + header
    yield Kind("safetensors with a lying header", {"evil.safetensors": safe}, _only(changed_bytes))


# -- JSON beside weights, LiteRT, SavedModel, OpenVINO ------------------------------------------------------------


def _of_descriptions(intact: Path, fragments: tuple[Any, ...]) -> Iterator[Kind]:
    description, weights = (intact / "tiny.json").read_bytes(), (intact / "tiny.weights.h5").read_bytes()

    def change(files: Files, random_: random.Random) -> Files:
        changed = dict(files)
        if random_.random() < 0.6:
            try:
                value = changed_json(json.loads(files["evil.json"]), random_, fragments)
                changed["evil.json"] = json.dumps(value).encode("utf-8", "surrogatepass")
            except (ValueError, RecursionError):
                changed["evil.json"] = changed_bytes(files["evil.json"], random_)
        else:
            changed["evil.h5"] = changed_hdf5(files["evil.h5"], random_, fragments)
        return changed

    for name, content in {
        "intact": description,
        "with a lambda": description.replace(b'"Flatten"', b'"Lambda"'),
        "of a module that is imported": description.replace(b"keras.layers", b"hostile_canary"),
        "of TensorFlow.js, with paths": b'{"modelTopology": {}, "weightsManifest": [{"paths": ["../../etc/passwd"]}]}',
    }.items():
        yield Kind(f"json: {name}", {"evil.json": content, "evil.h5": weights}, change)


def _of_litert(intact: Path) -> Iterator[Kind]:
    content = (intact / "tiny.tflite").read_bytes()
    change = _only(changed_flatbuffer)
    yield Kind("litert: intact", {"evil.tflite": content}, change)
    yield Kind("litert: eight bytes (tensorflow issue 115308)", {"evil.tflite": b"\x18\0\0\0TFL3"}, change)
    shapes = [struct.pack("<4i", 1, 28, 28, 1), struct.pack("<2i", 1, 10), struct.pack("<2i", 10, 49)]
    for number, shape in enumerate(shapes):
        if shape in content:
            huge = content.replace(shape, struct.pack(f"<{len(shape) // 4}i", *[1 << 30] * (len(shape) // 4)))
            yield Kind(f"litert: huge tensor {number} (tensorflow issue 124982)", {"evil.tflite": huge}, change)
    cut = content[: len(content) * 2 // 3]
    yield Kind("litert: buffers behind the end (tensorflow issue 116632)", {"evil.tflite": cut}, change)


def _of_saved_models(intact: Path, outside: Path) -> Iterator[Kind]:
    from tensorflow.core.protobuf import saved_model_pb2

    files = {
        f"evil/{file.relative_to(intact / 'saved').as_posix()}": file.read_bytes()
        for file in sorted((intact / "saved").rglob("*"))
        if file.is_file() and file.name != "fingerprint.pb"
    }

    def change(files_: Files, random_: random.Random) -> Files:
        name = random_.choice(["evil/saved_model.pb"] * 3 + sorted(files_))
        mutate = changed_protobuf if name.endswith(".pb") and random_.random() < 0.8 else changed_bytes
        return {**files_, name: mutate(files_[name], random_)}

    yield Kind("saved model: intact", files, change, "evil")
    for operation in ("ReadFile", "WriteFile", "PyFunc", "LoadLibrary", "ImmutableConst", "MatchingFiles"):
        described = saved_model_pb2.SavedModel.FromString(files["evil/saved_model.pb"])
        graph = described.meta_graphs[0].graph_def
        for function_ in graph.library.function:
            for node in function_.node_def:
                if node.op == "MatMul":
                    node.op = operation
        graph.node.add(name="evil", op=operation)
        yield Kind(
            f"saved model: {operation}", {**files, "evil/saved_model.pb": described.SerializeToString()}, change, "evil"
        )
    described = saved_model_pb2.SavedModel.FromString(files["evil/saved_model.pb"])
    graph = described.meta_graphs[0]
    graph.asset_file_def.add(filename=f"../../{outside.name}")
    node = graph.object_graph_def.nodes.add()
    node.asset.asset_file_def_index = 0
    yield Kind("saved model: asset", {**files, "evil/saved_model.pb": described.SerializeToString()}, change, "evil")
    described = saved_model_pb2.SavedModel.FromString(files["evil/saved_model.pb"])
    for function_ in described.meta_graphs[0].graph_def.library.function:
        for node in function_.node_def:
            if node.op == "Const" and node.attr["value"].tensor.dtype == 3:
                node.attr["value"].tensor.tensor_shape.Clear()
                node.attr["value"].tensor.tensor_shape.dim.add(size=1 << 40)
    huge = {**files, "evil/saved_model.pb": described.SerializeToString()}
    yield Kind("saved model: huge constant", huge, change, "evil")
    links = {**files, "evil/assets/x": b"x", "evil/keras_metadata.pb": b"x"}
    yield Kind("saved model: with Keras' metadata", links, change, "evil")


def _of_openvino(intact: Path, outside: Path) -> Iterator[Kind]:
    files = {"evil.xml": (intact / "net.xml").read_bytes(), "evil.bin": (intact / "net.bin").read_bytes()}

    def change(files_: Files, random_: random.Random) -> Files:
        if random_.random() < 0.8:
            tokens = (
                "Const",
                "MatMul",
                "Parameter",
                "Result",
                "f32",
                "i64",
                "Reshape",
                "Gather",
                "1099511627776",
                "-1",
            )
            return {**files_, "evil.xml": changed_text(files_["evil.xml"], random_, tokens)}
        return {**files_, "evil.bin": changed_bytes(files_["evil.bin"], random_)}

    def with_xml(content: bytes) -> Files:
        return {**files, "evil.xml": content}

    text = files["evil.xml"]
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "&%c;&%c;&%c;&%c;">' % (98 + i, *[97 + i] * 4) for i in range(12)
    )
    outer = f'<!DOCTYPE x [<!ENTITY a SYSTEM "file://{outside}">]>'.encode()
    yield Kind("openvino: intact", files, change)
    yield Kind("openvino: entities that grow", with_xml(entities + b"]><net>&m;</net>"), change)
    yield Kind("openvino: entity from a file", with_xml(outer + b"<net>&a;</net>"), change)
    yield Kind("openvino: the same in UTF-16", with_xml((outer + b"<net>&a;</net>").decode().encode("utf-16")), change)
    yield Kind("openvino: deep", with_xml(b"<net>" * 100_000), change)
    yield Kind("openvino: custom operator from a library", with_xml(text.replace(b"MatMul", b"Extension")), change)
    yield Kind("openvino: huge constant", with_xml(text.replace(b"784", b"99999999999")), change)
    count = 5000
    chain = b"<net><layers>" + b"".join(b'<layer id="%d" type="ReLU"/>' % i for i in range(count)) + b"</layers><edges>"
    chain += b"".join(
        b'<edge from-layer="%d" from-port="1" to-layer="%d" to-port="0"/>' % (i + 1, i) for i in range(count - 1)
    )
    yield Kind("openvino: layers in reverse order", with_xml(chain + b"</edges></net>"), _only(changed_bytes))
