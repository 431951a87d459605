"""What a network computes and why: a model and an image → arrays. `inspection.look` draws them."""

from __future__ import annotations

from digitlab.inspection.activations import (
    activation_maps,
    activation_statistics,
    mapping_layers,
    results,
)
from digitlab.inspection.attribution import (
    Question,
    grad_cam,
    integrated_gradients,
    occlusion,
    saliency,
    scores,
)
from digitlab.inspection.embedding import embed, nearest, penultimate, projections, prototypes, unusual
from digitlab.inspection.filter_reading import read_filters
from digitlab.inspection.filters import Filters, convolution_filters
from digitlab.inspection.sanity import sanity_check
from digitlab.inspection.steps import Network, Step, lay_open
from digitlab.inspection.summary import LayerSummary, receptive_fields, summarise

__all__ = [
    "Filters", "LayerSummary", "Network", "Question", "Step", "activation_maps", "activation_statistics",
    "convolution_filters", "embed", "grad_cam", "integrated_gradients", "lay_open", "mapping_layers", "nearest",
    "occlusion", "penultimate", "projections", "prototypes", "read_filters", "receptive_fields", "results",
    "saliency", "sanity_check", "scores", "summarise", "unusual",
]  # fmt: skip
