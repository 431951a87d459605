"""Targets of the reader fuzzer: for each reader, intact seed files, a way to open one, and a way to mutate it.

digitlab's modules are imported late: the coverage tool has to be active by then.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _mutation import changed_bytes, changed_hdf5, changed_json, changed_protobuf, changed_text, changed_zip

from data_formats import some_digits

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

__all__ = ["READERS", "SOURCE", "Reader"]

SOURCE = Path(__file__).resolve().parents[2] / "src" / "digitlab"
Seeds = list[bytes]


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader under test.

    seeds: small intact inputs; open: reads one completely, with a folder for its file; change: mutates an input
    rooms: modules whose coverage guides the fuzzer, in addition to digitlab's
    longest: maximum bytes of an input; ends: if a C library that it uses may end the process, why that does no harm
    """

    seeds: Callable[[Path], Seeds]
    open: Callable[[bytes, Path], None]
    change: Callable[[bytes, random.Random], bytes] = changed_bytes
    rooms: tuple[str, ...] = ()
    longest: int = 20_000
    ends: str = ""


def _whole(path: Path) -> None:
    """Read every split of a dataset (at most three)."""
    from digitlab.datasets.formats import open_dataset_file, splits_of

    for split in (*splits_of(path)[:3],) or (None,):
        with open_dataset_file(path, split) as source:
            for _ in source.batches():
                pass


def _as(name: str) -> Callable[[bytes, Path], None]:
    """Return an opener that writes the content to a dataset file of this name and reads that."""

    def opened(content: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(content)
        _whole(path)

    return opened


def _written(*names: str) -> Callable[[Path], Seeds]:
    def seeds(folder: Path) -> Seeds:
        from digitlab.datasets.formats import dataset_writer

        contents = []
        for name in names:
            with dataset_writer(f"{folder}/{name}") as sink:
                sink.write(some_digits(2))
            contents.append((folder / name).read_bytes())
        return contents

    return seeds


# -- datasets -----------------------------------------------------------------------------------------------------

_IMAGES, _LABELS = "a-images-idx3-ubyte", "a-labels-idx1-ubyte"


def _idx_seeds(folder: Path) -> Seeds:
    from digitlab.datasets.formats import dataset_writer

    with dataset_writer(f"{folder}/{_IMAGES}") as sink:
        sink.write(some_digits(2))
    images, labels = ((folder / name).read_bytes() for name in (_IMAGES, _LABELS))
    return [b"i" + images, b"l" + labels, b"z" + images, b"p" + gzip.compress(images, mtime=0)]


def _open_idx(content: bytes, folder: Path) -> None:
    """Open IDX files; the first byte names the rest: images, labels, images to be compressed, or compressed ones."""
    kind, rest = content[:1], content[1:]
    for old in folder.iterdir():
        old.unlink()
    digits = some_digits(2)
    header = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (2, 28, 28))
    ending = ".gz" if kind in b"zp" and kind else ""
    images = rest if kind != b"l" else header + digits.images.tobytes()
    labels = rest if kind == b"l" else b"\0\0\x08\x01\0\0\0\2" + digits.labels.tobytes()
    (folder / (_IMAGES + ending)).write_bytes(gzip.compress(images, 1) if kind == b"z" else images)
    (folder / (_LABELS + ending)).write_bytes(gzip.compress(labels, 1) if ending else labels)
    _whole(folder / (_IMAGES + ending))


def _hdf5_seeds(_: Path) -> Seeds:
    """Make small files: digitlab's own have chunks of 256 images."""
    import h5py

    digits, contents = some_digits(2), []
    images, labels = digits.images[..., None], digits.labels.astype(np.int32)
    variants: tuple[dict[str, Any], ...] = (
        {}, {"compression": "gzip"}, {"compression": "lzf", "shuffle": True},
        {"chunks": (1, 28, 28, 1), "fletcher32": True},
    )  # fmt: skip
    for number, options in enumerate(variants):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            where = file.create_group("train") if number == 1 else file
            where.create_dataset("data", data=images.astype(np.uint8 if number else np.float32), **options)
            where.create_dataset("labels", data=labels)
            file.attrs["form"] = np.bytes_(b"sobel")
        contents.append(buffer.getvalue())
    return contents


def _lmdb_seeds(folder: Path) -> Seeds:
    import lmdb

    from digitlab.datasets.formats.datum import datum_class
    from digitlab.datasets.formats.pictures import encode_png

    digits, datum, contents = some_digits(3), datum_class(), []
    for kind in ("plain", "encoded", "floats"):
        path = folder / f"{kind}.mdb"
        with (
            lmdb.open(str(path), subdir=False, map_size=1 << 20, lock=False) as environment,
            environment.begin(write=True) as put,
        ):
            for row, image in enumerate(digits.images):
                fields: dict[str, Any] = {"data": image.tobytes()} if kind == "plain" else {"data": encode_png(image)}
                fields = {"float_data": image.ravel().tolist()} if kind == "floats" else fields
                record = datum(channels=1, height=28, width=28, label=row, encoded=kind == "encoded", **fields)
                put.put(b"%08d" % row, record.SerializeToString())
        contents.append(path.read_bytes())
    return contents


def _npz_seeds(folder: Path) -> Seeds:
    digits = some_digits(2)
    contents = _written("a.npz")(folder)
    for name, arrays in {
        "keras": {"x_train": digits.images, "y_train": digits.labels, "x_test": digits.images, "y_test": digits.labels},
        "flat": {"data": digits.images.reshape(2, 784).astype(np.float32), "target": digits.labels.astype("<i8")},
        "turned": {"images": np.asfortranarray(digits.images), "labels": digits.labels.astype(">i2")},
    }.items():
        buffer = io.BytesIO()
        (np.savez if name != "flat" else np.savez_compressed)(buffer, **arrays)
        contents.append(buffer.getvalue())
    return contents


_NUMPY_WORDS = ("|O", "<U9", "|S1", "(1,)", "True", "<f2", ">c16", "|V8")


def _changed_npz(content: bytes, random_: random.Random) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist() if info.file_size < 100_000}
    except Exception:  # noqa: BLE001 - not a zip file any more
        return changed_bytes(content, random_)
    if not members or random_.random() < 0.2:
        return changed_bytes(content, random_)
    name = random_.choice(sorted(members))
    if random_.random() < 0.7:  # NumPy's header is text; numbers follow
        head, tail = members[name][:10], members[name][128:]
        middle = changed_text(members[name][10:128], random_, _NUMPY_WORDS)
        length = len(middle).to_bytes(2, "little") if random_.random() < 0.8 else head[8:10]
        members[name] = head[:8] + length + middle + tail
    else:
        members[name] = changed_bytes(members[name], random_)
    return changed_zip(members, random_) if random_.random() < 0.3 else _stored(members)


def _stored(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _csv_seeds(folder: Path) -> Seeds:
    bare = b"3" + b",0" * 784 + b"\n5" + b",9" * 784 + b"\n"
    return [*_written("a.csv")(folder), bare, b"\xef\xbb\xbf" + bare.replace(b"\n", b"\r\n"), bare.replace(b",", b";")]


_CSV_WORDS = ("label", "pixel0", "class", "5.0", "1e9", '"', '""', ";", "\t", "\r\n", "NaN", "0x10", "１")


def _mat_seeds(folder: Path) -> Seeds:
    from scipy.io import savemat

    digits, contents = some_digits(2), []
    for packed in (False, True):
        savemat(folder / "a.mat", {"X": digits.images, "y": digits.labels}, do_compression=packed)
        contents.append((folder / "a.mat").read_bytes())
    return contents


def _pickle_seeds(_: Path) -> Seeds:
    import pickle

    digits = some_digits(2)
    sets = ((digits.images.reshape(2, 784) / np.float32(255), digits.labels.astype(np.int64)),) * 3
    return [pickle.dumps(sets, protocol) for protocol in (2, 4, 5)]


def _tfrecord_seeds(_: Path) -> Seeds:
    """Write Examples as TensorFlow does, but by hand: importing TensorFlow takes seconds."""
    from digitlab.network.check import field_bytes

    digits, content = some_digits(2), b""
    for image, label in zip(digits.images, digits.labels, strict=True):
        values = {
            b"image_raw": field_bytes(1, field_bytes(1, image.tobytes())),
            b"label": field_bytes(3, field_bytes(1, bytes([label]))),
        }
        features = b"".join(
            field_bytes(1, field_bytes(1, key) + field_bytes(2, value)) for key, value in values.items()
        )
        content += _record(field_bytes(1, features))
    return [content]


def _record(content: bytes) -> bytes:
    length = len(content).to_bytes(8, "little")
    return length + _masked(length) + content + _masked(content)


def _masked(content: bytes) -> bytes:
    """Return the checksum of a TFRecord: CRC-32C, rotated, plus a constant."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")


def _changed_tfrecord(content: bytes, random_: random.Random) -> bytes:
    if random_.random() < 0.4 or len(content) < 16:
        return changed_bytes(content, random_)
    length = int.from_bytes(content[:8], "little")
    return _record(changed_protobuf(content[12 : 12 + length], random_)) + content[16 + length :]


# -- settings -----------------------------------------------------------------------------------------------------


def _shipped(*patterns: str) -> Callable[[Path], Seeds]:
    def seeds(_: Path) -> Seeds:
        return [path.read_bytes() for pattern in patterns for path in sorted(SOURCE.glob(pattern))]

    return seeds


def _open_toml(content: bytes, folder: Path) -> None:
    """Open as recipe, search space, lesson and run settings: each has its own checks behind the same parser."""
    from digitlab.errors import DigitlabError
    from digitlab.lessons import read_lesson
    from digitlab.runs import Run
    from digitlab.training.config import find_recipe
    from digitlab.tuning.space import find_space

    path = folder / "config.toml"
    path.write_bytes(content)
    refused: list[DigitlabError] = []
    for read in (find_recipe, find_space, read_lesson, lambda _: Run(folder).read_config()):
        try:
            read(path)  # type: ignore[operator]
        except DigitlabError as error:
            refused.append(error)
    if len(refused) > 2:
        raise refused[0]


_TOML = ("recipes/*.toml", "tuning/spaces/*.toml", "lessons/conv*.toml")
_TOML_WORDS = (
    "[tune]", "[space]", "[[part]]", "architecture", "epochs", "learning_rate", "choices", "low", "high", "inf", "nan",
    "1979-05-27T07:32:00Z", "0xFFFFFFFFFFFFFFFFFFFF", "1_000", '"""', "'''", "a.b.c", "[[", "]]", "{}", "true",
    "options", "[form]", "[[field]]", "digits", "boxes", "label", "name", "kind", "sum", "check", "among", "paper",
    "blank", "width",
)  # fmt: skip


def _changed_toml(content: bytes, random_: random.Random) -> bytes:
    return changed_text(content, random_, _TOML_WORDS)


_YAML = b"""DigitClassifier:
  Camera:
    Server: 1
    Proxy: "cameraA:tcp -h localhost -p 9999"
    Format: RGB8
    Topic: "/usb_cam/image_raw"
    Name: cameraA
  Framework: Keras
  Model: "net.h5"
  NodeName: dl-digitclassifier
"""
_PROPERTIES = b"""# 2017
Digitclassifier.Camera.Proxy=cameraA:default -h localhost -p 9999
Digitclassifier.Camera.Format=RGB8
"""
_YAML_WORDS = (
    "Server", "Camera", "Proxy", "Model", "&a", "*a", "<<:", "!!python/object/apply:os.system", "!!binary", "!!set",
    "? ", "- ", "---", "...", "|", ">", "%YAML 1.2", "2001-12-14t21:59:43.10-05:00", "0o17", "1e3", ".inf", "~",
    "\\#", "\\=",
)  # fmt: skip


def _open_yaml(content: bytes, folder: Path) -> None:
    from digitlab.live.configuration import read_configuration

    path = folder / "digitclassifier.yml"
    path.write_bytes(content)
    read_configuration(path)


def _open_form(content: bytes, folder: Path) -> None:
    from digitlab.sheets.form_file import read_form
    from digitlab.sheets.layout import lay_out

    path = folder / "form.toml"
    path.write_bytes(content)
    lay_out(read_form(path))


# -- pictures -----------------------------------------------------------------------------------------------------


def _picture(mode: str = "RGB") -> Any:
    from PIL import Image

    pixels = np.full((24, 40, 3), 230, np.uint8)
    pixels[4:20, 18:22] = 20
    return Image.fromarray(pixels).convert(mode)


def _picture_seeds(_: Path) -> Seeds:
    variants: list[tuple[str, str, dict[str, Any]]] = [
        ("PNG", "RGB", {}), ("PNG", "RGBA", {}), ("PNG", "P", {}), ("PNG", "I;16", {}), ("PNG", "1", {}),
        ("JPEG", "RGB", {}), ("JPEG", "L", {"progressive": True}), ("JPEG", "CMYK", {}), ("GIF", "P", {}),
        ("WEBP", "RGB", {}), ("WEBP", "RGBA", {"lossless": True}), ("BMP", "RGB", {}), ("BMP", "P", {}),
        ("TIFF", "RGB", {}), ("TIFF", "1", {"compression": "group4"}), ("TIFF", "L", {"compression": "tiff_lzw"}),
        ("TIFF", "L", {"compression": "tiff_deflate", "save_all": True, "append_images": [_picture("L")]}),
        ("TIFF", "RGB", {"compression": "jpeg"}), ("PPM", "RGB", {}), ("PPM", "L", {}), ("PPM", "1", {}),
        ("JPEG2000", "RGB", {}), ("AVIF", "RGB", {}),
    ]  # fmt: skip
    contents = [b"P2 3 2 255 0 1 2 3 4 5\n", b"P3 1 1 65535 1 2 3\n", b"P1 2 2 1 0 0 1\n"]
    for format_, mode, options in variants:
        buffer = io.BytesIO()
        _picture(mode).save(buffer, format_, **options)
        contents.append(buffer.getvalue())
    exif = _picture().getexif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    _picture().save(buffer, "JPEG", exif=exif)
    return [*contents, buffer.getvalue()]


def _open_picture(content: bytes, folder: Path) -> None:
    from digitlab.picture_files.pages import page_names
    from digitlab.reading.images import decode_image, load_reduced

    if content[:2] in (b"II", b"MM"):
        path = folder / "a.tif"
        path.write_bytes(content)
        for name in page_names(path)[:3]:
            load_reduced(name, 200)
    decode_image(content)


def _heic_seeds(_: Path) -> Seeds:
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)
    contents = []
    for mode, options in (("RGB", {"quality": 50}), ("RGBA", {"quality": 30}), ("L", {"quality": -1})):
        buffer = io.BytesIO()
        _picture(mode).save(buffer, "HEIF", **options)
        contents.append(buffer.getvalue())
    return contents


def _pdf_seeds(_: Path) -> Seeds:
    buffer = io.BytesIO()
    _picture().save(buffer, "PDF", save_all=True, append_images=[_picture("1")])
    lines = b"0 0 1 rg 10 10 50 50 re f 1 0 0 RG 0 0 m 100 100 l S BT /F 12 Tf 20 20 Td (471) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 144 144]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(lines), lines),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]  # fmt: skip
    text, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(text))
        text += b"%d 0 obj%s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    table = b"xref\n0 6\n0000000000 65535 f \n" + table
    text += b"%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (table, len(text))
    return [buffer.getvalue(), text]


_PDF_WORDS = (
    "/Kids[2 0 R]", "/Count 999999999", "/MediaBox[0 0 1e9 1e9]", "/Filter/FlateDecode",
    "/Filter[/ASCII85Decode/LZWDecode]", "/JBIG2Decode", "/JPXDecode", "/CCITTFaxDecode", "/Encrypt 5 0 R",
    "/OpenAction<</S/JavaScript/JS(app.alert(1))>>",
    "/ObjStm", "/XRef", "1 0 R", "stream", "endstream", "endobj", "q", "Q", "cm", "Do", "sh", "0 0 0 0 k", "/Pattern",
)  # fmt: skip


def _open_pdf(content: bytes, _: Path) -> None:
    """Render in this process: digitlab does it in a separate one, which takes a tenth of a second longer."""
    from digitlab.errors import ImageError
    from digitlab.picture_files.pdf_process import _answer

    answer, _rows = _answer(1, 4_000_000, content)
    if "error" in answer:
        raise ImageError(str(answer["error"]))


def _changed_pdf(content: bytes, random_: random.Random) -> bytes:
    return changed_text(content, random_, _PDF_WORDS) if random_.random() < 0.6 else changed_bytes(content, random_)


# -- models -------------------------------------------------------------------------------------------------------


def _onnx_seeds(_: Path) -> Seeds:
    from _model_kinds import _foreign_onnx

    return [_small_onnx(), _foreign_onnx(), _small_onnx(opset=11)]


def _small_onnx(opset: int = 17) -> bytes:
    """Build a network of few bytes: means over blocks of 14 × 14 pixels, and ten weighted sums of them."""
    from onnx import TensorProto, helper, numpy_helper

    start = helper.make_tensor_value_info("x", TensorProto.UINT8, ["N", 28, 28])
    end = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])
    weights = [
        numpy_helper.from_array(np.array([-1, 1, 28, 28]), "s"), numpy_helper.from_array(np.array([-1, 4]), "t"),
        numpy_helper.from_array(np.ones((4, 10), np.float32), "w"),
    ]  # fmt: skip
    nodes = [
        helper.make_node("Cast", ["x"], ["c"], to=1), helper.make_node("Reshape", ["c", "s"], ["r"]),
        helper.make_node("AveragePool", ["r"], ["p"], kernel_shape=[14, 14], strides=[14, 14]),
        helper.make_node("Reshape", ["p", "t"], ["q"]), helper.make_node("MatMul", ["q", "w"], ["m"]),
        helper.make_node("Softmax", ["m"], ["y"], axis=1),
    ]  # fmt: skip
    graph = helper.make_graph(nodes, "g", [start], [end], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    card = {"name": "x", "architecture": "x", "preparation": "x / 255", "classes": list("0123456789")}
    helper.set_model_props(model, {"digitlab": json.dumps(card)})
    return bytes(model.SerializeToString())


def _open_onnx(content: bytes, folder: Path) -> None:
    """Open as one of our models, or as a foreign one, up to the search for its input convention."""
    import warnings

    from digitlab.models.conventions.onnx_files import open_foreign
    from digitlab.network.classifier import Classifier, takes_our_images

    path = folder / "a.onnx"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if takes_our_images(content):
            Classifier(path, threads=1)
        else:
            open_foreign(content, path)


def _open_description(content: bytes, _: Path) -> None:
    """Rebuild a Keras description, and measure its size."""
    from digitlab.models.safety.configuration import rebuild
    from digitlab.models.safety.plain import parse_json
    from digitlab.models.safety.sizes import Budget, measure

    measure(rebuild(parse_json(content, "config.json")), Budget())


def _description_seeds(_: Path) -> Iterator[bytes] | Seeds:
    from digitlab.network.classifier import shipped_keras

    path = shipped_keras("reader")
    if path is None:
        raise FileNotFoundError("the shipped model is missing")
    with zipfile.ZipFile(path) as archive:
        return [archive.read("config.json")]


def _changed_description(content: bytes, random_: random.Random) -> bytes:
    try:
        return json.dumps(changed_json(json.loads(content), random_)).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return changed_bytes(content, random_)


def _with_words(words: tuple[str, ...]) -> Callable[[bytes, random.Random], bytes]:
    return lambda content, random_: changed_text(content, random_, words)


READERS: dict[str, Reader] = {
    "idx": Reader(_idx_seeds, _open_idx),
    "hdf5": Reader(_hdf5_seeds, _as("a.h5"), changed_hdf5, longest=40_000),
    "lmdb": Reader(_lmdb_seeds, _as("a.mdb"), longest=60_000),
    "npz": Reader(_npz_seeds, _as("a.npz"), _changed_npz),
    "csv": Reader(_csv_seeds, _as("a.csv"), _with_words(_CSV_WORDS)),
    "mat": Reader(_mat_seeds, _as("a.mat")),
    "pickle": Reader(_pickle_seeds, _as("a.pkl")),
    "tfrecord": Reader(_tfrecord_seeds, _as("a.tfrecord"), _changed_tfrecord),
    "toml": Reader(_shipped(*_TOML), _open_toml, _changed_toml, ("tomllib",)),
    "yaml": Reader(lambda _: [_YAML, _PROPERTIES], _open_yaml, _with_words(_YAML_WORDS), ("yaml",)),
    "form": Reader(_shipped("sheets/*.toml"), _open_form, _changed_toml, ("tomllib",)),
    "images": Reader(_picture_seeds, _open_picture, rooms=("PIL",)),
    "heic": Reader(_heic_seeds, _open_picture, rooms=("pillow_heif",)),
    "pdf": Reader(_pdf_seeds, _open_pdf, _changed_pdf, ends="each page is drawn by a process of its own"),
    "onnx": Reader(_onnx_seeds, _open_onnx, changed_protobuf),
    "description": Reader(_description_seeds, _open_description, _changed_description, longest=60_000),
}  # fmt: skip
