"""Our networks as a scikit-learn estimator, for its cross-validation, searches and pipelines.

from digitlab import DigitClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score

cross_val_score(DigitClassifier("ann-397", optimiser="adam", batch_size=32, epochs=6), images, labels, cv=10)
GridSearchCV(DigitClassifier("dense-family"), {"batch_size": [32, 64], "options__width": [64, 397]})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets

from digitlab.errors import ShapeError, UsageError
from digitlab.settings import settings_in, with_keywords_of
from digitlab.training.config import TrainingConfig
from digitlab.values import Digits

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from digitlab.models.backend import keras
    from digitlab.training.events import EpochEnded

__all__ = ["DigitClassifier"]

# Settings that are not parameters: those about the data (passed to `fit`) and the run; the seed (`random_state`).
NO_PARAMETERS = ("dataset", "test", "distractors", "watch", "seed", "members", "tta", "name")

_DEFAULTS = {each.name: each.default for each in settings_in(TrainingConfig) if each.name not in NO_PARAMETERS}
_PIXELS = 28 * 28
_ROUNDING = 1e-6  # tolerance for rounding errors: 0.1 + 0.2 is a little more than 0.3


class DigitClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A network of `digitlab.models` as a scikit-learn classifier.

    Images: (N, 28, 28), (N, 28, 28, 1) or (N, 784), light ink on dark; integers from 0 to 255, booleans (True is ink),
    or floats from 0 to 1, which are rounded to multiples of 1/255: the networks take integer pixels, and centre or
    scale them internally.
    Other floats are rejected (S1 subtracts 0.5 beforehand; pass x / 255). Labels: up to ten different values of any
    type; the digits 0 to 9 keep their index among the network's ten outputs.

    The parameters are the settings of `TrainingConfig`, described there, except those about the data and the run;
    options of an architecture can also be set individually as ``options__NAME``.

    random_state: seed of the weights and of the order of the images; None: a different one each time

    >>> classifier = DigitClassifier("ann-397", epochs=6, batch_size=32, options={"width": 64})
    >>> classifier.get_params()["options__width"], classifier.random_state
    (64, 0)

    After `fit`: ``classes_``; ``n_features_in_``; ``history_``, an `EpochEnded` for each epoch; ``model_``, the Keras
    network in float32.
    """

    options: Mapping[str, Any] | None  # see `TrainingConfig`

    @with_keywords_of(TrainingConfig, leave_out=NO_PARAMETERS)
    def __init__(
        self,
        architecture: str = _DEFAULTS["architecture"],
        *,
        random_state: int | np.random.RandomState | None = 0,
        **settings: Any,
    ) -> None:
        unknown = settings.keys() - _DEFAULTS.keys()
        if unknown:
            raise TypeError(f"DigitClassifier has no parameter {min(unknown)!r}; known: {', '.join(_DEFAULTS)}")
        values = {**_DEFAULTS, **settings, "architecture": architecture, "random_state": random_state}
        for name, value in values.items():
            setattr(self, name, value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with ``deep``, also each architecture option that is set, as ``options__NAME``."""
        params: dict[str, Any] = super().get_params(deep=False)
        # Invalid values are rejected by `fit`, as scikit-learn requires, not here.
        options = self.options if isinstance(self.options, Mapping) else {}
        return {**params, **{f"options__{name}": value for name, value in options.items()}} if deep else params

    def set_params(self, **params: Any) -> Self:
        """Change parameters; ``options__NAME`` changes one option and leaves the others."""
        options = {name: params.pop(name) for name in list(params) if name.startswith("options__")}
        super().set_params(**params)
        if options:
            changed = {name.removeprefix("options__"): value for name, value in options.items()}
            # A new dict: a copy of this estimator may share the old one.
            self.options = {**(self.options or {}), **changed}
        return self

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:  # noqa: N803 - scikit-learn's names
        """Train on images and their labels.

        Raises:
            ShapeError: for images of another shape or range, or more than ten different labels.
            UsageError: for parameters that are not valid for a training.
            DivergedError: when the loss becomes NaN or infinite: the learning rate is too high.
        """
        from digitlab.stopping import StopRequest
        from digitlab.training.assembly import finished_network, loop_of
        from digitlab.training.augmentation import augmentation
        from digitlab.training.data import split_validation

        images = _as_images(X)
        training = self._training()
        to_network_input = augmentation(training.augmentation).to_network_input
        if to_network_input is not None:
            raise UsageError(
                f"augmentation is {training.augmentation!r}, which makes Sobel images; "
                "expected one that leaves grey images"
            )
        digits = Digits(images, self._learn_classes(y, len(images)))
        train, validation = split_validation(digits, training.validation)
        loop = loop_of(training, train, validation)
        history = loop.run(training.epochs, lambda _: None, StopRequest())
        self.history_: list[EpochEnded] = history.epochs
        self.n_features_in_ = _PIXELS
        self._fitted = training
        self._weights = [np.asarray(weight) for weight in loop.model.get_weights()]
        self._model: keras.Model | None = finished_network(training, loop)
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Return the probability of each of ``classes_``: float32 (N, classes); each row sums to 1."""
        from digitlab.models import predict_probabilities

        model = self.model_
        images = _as_images(X)
        if not len(images):
            return np.empty((0, len(self.classes_)), np.float32)
        probabilities = predict_probabilities(model, images)[:, self._places]
        return np.asarray(
            probabilities / np.maximum(probabilities.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny), np.float32
        )

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the most likely of ``classes_`` for each image."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]  # type: ignore[no-any-return]

    @property
    def model_(self) -> keras.Model:
        """The trained network; rebuilt from its weights after unpickling, e.g. in another process."""
        if not hasattr(self, "_weights"):
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
                "using this estimator."
            )
        if self._model is None:
            from digitlab.training.assembly import network_of

            self._model = network_of(self._fitted)
            self._model.set_weights(self._weights)
        return self._model

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_weights")

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        return {**state, "_model": None} if "_model" in state else state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.non_deterministic = self.random_state is None
        return tags

    def _training(self) -> TrainingConfig:
        params = self.get_params(deep=False)
        seed = params.pop("random_state")
        if not isinstance(seed, int | np.integer):
            random = seed if isinstance(seed, np.random.RandomState) else np.random.RandomState()
            seed = random.randint(2**31 - 1)
        training = TrainingConfig(**{**params, "options": dict(self.options or {}), "seed": int(seed)})
        if training.patience is not None and not training.validation:
            raise UsageError("patience needs validation images; set validation, too, e.g. 0.1")
        return training

    def _learn_classes(self, y: ArrayLike, count: int) -> NDArray[np.uint8]:
        """Set ``classes_``; return the index of each image's class among the network's ten outputs."""
        if y is None:
            expected = "a label for each image; fit requires y to be passed, but the target y is None"
            raise ShapeError("y", expected=expected, received=None)
        labels = np.asarray(y)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels.ravel()
        if labels.shape != (count,):
            raise ShapeError("y", expected=f"({count},), a label for each image", received=labels.shape)
        check_classification_targets(labels)
        self.classes_, class_index = np.unique(labels, return_inverse=True)
        if len(self.classes_) > 10:
            raise ShapeError("y", expected="at most 10 different labels", received=len(self.classes_))
        self._places = _output_indices(self.classes_)
        return self._places[class_index].astype(np.uint8)


def _output_indices(classes: NDArray[Any]) -> NDArray[np.int64]:
    """Return the index of each class among the network's outputs: digits keep their own, other labels go in order.

    >>> _output_indices(np.array([3, 8])).tolist(), _output_indices(np.array(["no", "yes"])).tolist()
    ([3, 8], [0, 1])
    """
    if classes.dtype.kind in "iu" and classes.min() >= 0 and classes.max() <= 9:
        return classes.astype(np.int64)
    return np.arange(len(classes))


def _as_images(array: ArrayLike) -> NDArray[np.uint8]:
    """Validate images and convert them to uint8 (N, 28, 28).

    Raises:
        ShapeError: for another shape or range.
        ValueError, TypeError: from scikit-learn, for anything but an array of numbers.
    """
    pixels: NDArray[Any] = check_array(array, allow_nd=True, ensure_2d=False, ensure_min_samples=0)
    if pixels.ndim == 4 and pixels.shape[1:] == (28, 28, 1):
        pixels = pixels[..., 0]
    if pixels.ndim == 2 and pixels.shape[1] == _PIXELS:
        pixels = pixels.reshape(-1, 28, 28)
    if pixels.ndim != 3 or pixels.shape[1:] != (28, 28):
        raise ShapeError("X", expected="(N, 28, 28), (N, 28, 28, 1) or (N, 784)", received=pixels.shape)
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype == np.uint8 or not pixels.size:
        return pixels.astype(np.uint8)
    low, high = float(pixels.min()), float(pixels.max())
    if pixels.dtype.kind == "f":
        if low < -_ROUNDING or high > 1 + _ROUNDING:
            raise ShapeError(
                "X", expected="floats from 0 to 1, or whole numbers from 0 to 255", received=f"{low} to {high}"
            )
        pixels = np.rint(np.clip(pixels, 0, 1) * 255)
        low, high = 0, 255
    if low < 0 or high > 255:
        raise ShapeError("X", expected="whole numbers from 0 to 255", received=f"{low:.0f} to {high:.0f}")
    return pixels.astype(np.uint8)
