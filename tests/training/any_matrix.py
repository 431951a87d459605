# ruff: noqa: N803, N806 - scikit-learn's names
"""scikit-learn's checks bring matrices of any width; here their columns become pixels."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from digitlab import DigitClassifier


class AnyMatrix(DigitClassifier):
    """A `DigitClassifier` for (N, columns) of any numbers: each column fills some pixels, scaled as it was in `fit`."""

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, ensure_min_samples=2)
        self._low, self._high = X.min(axis=0), X.max(axis=0)
        columns = X.shape[1]
        super().fit(self._pixels(X), y)
        self.n_features_in_ = columns
        return self

    def predict_proba(self, X: Any) -> Any:
        check_is_fitted(self)
        return super().predict_proba(self._pixels(validate_data(self, X, reset=False)))

    def _pixels(self, X: Any) -> Any:
        scaled = np.clip((X - self._low) / np.maximum(self._high - self._low, 1e-12), 0, 1)
        return scaled[:, np.resize(np.arange(X.shape[1]), 784)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = False
        return tags
