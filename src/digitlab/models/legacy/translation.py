"""Translate layer classes and arguments of Keras 1 and 2 to those of Keras 3."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from digitlab.models.safety.plain import item_name, plain, refuse, shown
from digitlab.models.safety.words import ACTIVATIONS, MERGING

__all__ = ["Notes", "translate_layer"]

_RENAMED_LAYERS = {
    "AtrousConvolution2D": "Conv2D",
    "AvgPool2D": "AveragePooling2D",
    "BatchNormalizationV1": "BatchNormalization",
    "Convolution2D": "Conv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Deconvolution2D": "Conv2DTranspose",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "MaxPool2D": "MaxPooling2D",
    "SeparableConvolution2D": "SeparableConv2D",
    "SyncBatchNormalization": "BatchNormalization",
    "ThresholdedReLU": "ReLU",
}
_MERGE_MODES = {"sum": "Add", "mul": "Multiply", "concat": "Concatenate", "ave": "Average", "max": "Maximum"}

_RENAMED_ARGUMENTS = {
    "atrous_rate": "dilation_rate",
    "bias": "use_bias",
    "border_mode": "padding",
    "concat_axis": "axis",
    "nb_filter": "filters",
    "output_dim": "units",
    "p": "rate",
    "sigma": "stddev",
    "subsample": "strides",
    "theta": "threshold",
}

_CONVOLUTION = ("filters", "kernel_size", "strides", "padding", "dilation_rate", "activation", "use_bias")
_POOLING = ("pool_size", "strides", "padding")

# The arguments that affect a layer's output, by layer. Others either have no effect (below) or are refused.
_KEPT: dict[str, tuple[str, ...]] = {
    "Activation": ("activation",),
    "AveragePooling2D": _POOLING,
    "BatchNormalization": ("axis", "momentum", "epsilon", "center", "scale"),
    "Conv2D": (*_CONVOLUTION, "groups"),
    "Conv2DTranspose": (*_CONVOLUTION, "output_padding"),
    "Cropping2D": ("cropping",),
    "Dense": ("units", "activation", "use_bias"),
    "DepthwiseConv2D": ("depth_multiplier", *_CONVOLUTION[1:]),
    "Dropout": ("rate",),
    "ELU": ("alpha",),
    "Flatten": (),
    "GaussianDropout": ("rate",),
    "GaussianNoise": ("stddev",),
    "GlobalAveragePooling2D": ("keepdims",),
    "GlobalMaxPooling2D": ("keepdims",),
    "InputLayer": (),
    "LayerNormalization": ("axis", "epsilon", "center", "scale"),
    "LeakyReLU": ("negative_slope",),
    "MaxPooling2D": _POOLING,
    "PReLU": ("shared_axes",),
    "Permute": ("dims",),
    "ReLU": ("max_value", "negative_slope", "threshold"),
    "Rescaling": ("scale", "offset"),
    "Reshape": ("target_shape",),
    "SeparableConv2D": ("depth_multiplier", *_CONVOLUTION),
    "Softmax": ("axis",),
    "SpatialDropout2D": ("rate",),
    "UpSampling2D": ("size", "interpolation"),
    "ZeroPadding2D": ("padding",),
    **{name: (("axis",) if name == "Concatenate" else ()) for name in MERGING},
}

_OF_TRAINING = re.compile(
    r"(?:\w+_)?(?:initializer|regularizer|constraint)|[Wb]_\w+|(?:beta|gamma)_init|init|gamma_\w+|beta_\w+|trainable"
)
_OF_NO_CONSEQUENCE = re.compile(
    r"name|dtype|input_dtype|input_dim|input_length|input_shape|batch_\w+|build_input_shape|sparse|ragged|optional|seed"
    r"|noise_shape|weights|data_format|dim_ordering|mode|fused|implementation|synchronized|node_indices|tensor_indices"
    r"|output_shape\w*|mode_type|output_mask\w*|arguments|dot_axes|nb_row|nb_col|renorm_\w+|lora_alpha"
)
_MUST_BE_UNSET = {
    "groups",
    "renorm",
    "virtual_batch_size",
    "adjustment",
    "stateful",
    "dot_axes",
    "arguments",
    "rms_scaling",
    "lora_rank",
    "quantization_config",
}

_FIRST, _LAST = "channels_first", "channels_last"
_DATA_FORMATS = {"th": _FIRST, "tf": _LAST, "default": None, _FIRST: _FIRST, _LAST: _LAST, None: None}


@dataclass(slots=True)
class Notes:
    """The changes, collected while a description is parsed.

    renamed: old name → new name of layers and arguments, by first use
    left_out: whether anything that only training needs was dropped
    """

    renamed: dict[str, str] = field(default_factory=dict)
    left_out: bool = False


def translate_layer(
    old_class: object, config: dict[str, Any], notes: Notes
) -> tuple[str, str, dict[str, Any], str | None]:
    """Return the Keras 3 class, the name, the arguments that affect the output, and the data format of an old layer.

    The arguments still assume the file's data format; `network` converts them.

    Raises:
        ModelError: for classes and arguments that cannot be imported with the same result.
    """
    kind = _class_of(old_class, config)
    if kind != old_class:
        notes.renamed[str(old_class)] = kind
    name = item_name(config.get("name"), f"a layer {kind}")
    location = f"{kind} {shown(name)}"
    settings = _sizes_of_kernel(config, notes) if kind not in ("Activation", "Dense") else {}
    for key, value in config.items():
        new = "negative_slope" if (kind, key) == ("LeakyReLU", "alpha") else _RENAMED_ARGUMENTS.get(key, key)
        if new in _KEPT[kind]:
            settings[new] = plain(value, f"{location}.{new}")
            notes.renamed.update({key: new} if key != new else {})
        else:
            _check_unused(key, value, location, notes)
    axis = settings.get("axis")
    if isinstance(axis, list) and len(axis) == 1:  # TF-Keras writes lists
        settings["axis"] = axis[0]
    _check_kept(kind, settings, config, location)
    data_format = config.get("data_format", config.get("dim_ordering"))
    if data_format is not None and (not isinstance(data_format, str) or data_format not in _DATA_FORMATS):
        refuse(f"{location} has the data format {shown(data_format)}; expected channels_first or channels_last")
    return kind, name, settings, _DATA_FORMATS[data_format]


def _class_of(old: object, config: dict[str, Any]) -> str:
    if old == "Merge":
        mode = config.get("mode")
        if not isinstance(mode, str) or mode not in _MERGE_MODES:
            refuse(f"a layer merges by {shown(mode)}; expected {', '.join(_MERGE_MODES)}")
        return _MERGE_MODES[mode]
    kind = _RENAMED_LAYERS.get(old, old) if isinstance(old, str) else old
    if not isinstance(kind, str) or kind not in _KEPT:
        refuse(f"it has a layer of the class {shown(old)}, which is not allowed in a model file")
    return kind


def _sizes_of_kernel(config: dict[str, Any], notes: Notes) -> dict[str, Any]:
    if "nb_row" not in config:
        return {}
    notes.renamed["nb_row, nb_col"] = "kernel_size"
    return {"kernel_size": plain([config["nb_row"], config.get("nb_col")], "the size of a kernel")}


def _check_unused(key: str, value: object, location: str, notes: Notes) -> None:
    if key in _MUST_BE_UNSET and value not in (None, False, -1, {}, [], 1 if key == "groups" else None):
        refuse(f"{location} has {key} = {shown(value)}, which cannot be imported")
    if _OF_TRAINING.fullmatch(key):
        notes.left_out = notes.left_out or value not in (None, True)
    elif key in ("seed", "noise_shape"):
        plain(value, f"{location}.{key}")
    elif key not in _MUST_BE_UNSET and not _OF_NO_CONSEQUENCE.fullmatch(key):
        refuse(f"{location} has the unknown argument {shown(key)}")


def _check_kept(kind: str, settings: dict[str, Any], config: dict[str, Any], location: str) -> None:
    activation = settings.get("activation")
    if activation is not None and activation not in ACTIVATIONS:
        refuse(f"{location} has the activation {shown(activation)}, which is not allowed in a model file")
    if activation == "hard_sigmoid":
        refuse(f"{location} has the activation hard_sigmoid, which Keras 3 computes differently from Keras 1 and 2")
    if kind == "BatchNormalization" and config.get("mode", 0) != 0:
        refuse(f"{location} has mode {shown(config['mode'])}; only mode 0 (a feature's mean) can be imported")
    if settings.get("padding") not in ("valid", "same", None) and kind != "ZeroPadding2D":
        refuse(f"{location} has the padding {shown(settings['padding'])}; expected valid or same")
