from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator

from digitlab import DigitClassifier
from digitlab.datasets import load_dataset
from digitlab.errors import ShapeError, UsageError

pytestmark = pytest.mark.xdist_group("keras")

TRAIN = load_dataset("mnist").split("train")[:400]
SMALL: dict[str, Any] = {
    "optimiser": "adam", "learning_rate": 0.01, "batch_size": 32, "epochs": 4, "options": {"width": 32, "hidden": 1},
    "precision": "float32",
}  # fmt: skip


def small(**changes: Any) -> DigitClassifier:
    return DigitClassifier("dense-family", **{**SMALL, **changes})


@pytest.fixture(scope="module")
def fitted() -> DigitClassifier:
    return small().fit(TRAIN.images[:300], TRAIN.labels[:300])


def test_it_learns_digits(fitted: DigitClassifier) -> None:
    said = fitted.predict_proba(TRAIN.images[300:])
    assert said.shape == (100, 10)
    assert said.dtype == np.float32
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    assert fitted.score(TRAIN.images[300:], TRAIN.labels[300:]) > 0.6
    np.testing.assert_array_equal(
        fitted.predict(TRAIN.images), fitted.classes_[fitted.predict_proba(TRAIN.images).argmax(1)]
    )
    assert fitted.classes_.tolist() == list(range(10))
    assert [epoch.epoch for epoch in fitted.history_] == [1, 2, 3, 4]
    assert fitted.predict_proba(TRAIN.images[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    "form",
    [
        lambda images: images.reshape(-1, 784),
        lambda images: images[..., None],
        lambda images: images.astype(np.int64),
        lambda images: images / 255,
        lambda images: (images / np.float32(255)).reshape(-1, 784),
    ],
)
def test_every_form_of_the_same_images_gets_the_same_answer(fitted: DigitClassifier, form: Any) -> None:
    np.testing.assert_array_equal(fitted.predict_proba(form(TRAIN.images)), fitted.predict_proba(TRAIN.images))


def test_black_and_white_images_are_full_ink_or_none(fitted: DigitClassifier) -> None:
    ink = TRAIN.images > 127
    np.testing.assert_array_equal(fitted.predict_proba(ink), fitted.predict_proba(255 * ink.astype(np.uint8)))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (TRAIN.images / 255 - 0.5, "floats from 0 to 1"),
        (TRAIN.images.astype(float), "floats from 0 to 1"),
        (TRAIN.images.astype(int) - 1, "whole numbers from 0 to 255"),
        (TRAIN.images[:, :14], r"\(N, 784\), received \(400, 14, 28\)"),
        (TRAIN.images[0], r"received \(28, 28\)"),
    ],
)
def test_other_images_are_refused(fitted: DigitClassifier, images: np.ndarray, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        fitted.predict(images)
    with pytest.raises(ValueError, match=message):
        small().fit(images, TRAIN.labels[: len(images)])


def test_labels_may_be_words_or_some_digits() -> None:
    rows = TRAIN.labels < 2
    images, labels = TRAIN.images[rows], TRAIN.labels[rows]
    words = np.array(["nought", "one"])[labels]
    named = small().fit(images, words)
    assert named.classes_.tolist() == ["nought", "one"]
    assert named.score(images, words) > 0.9
    assert named.predict_proba(images).shape == (len(images), 2)
    some = small().fit(images, labels + np.uint8(7))
    assert some.classes_.tolist() == [7, 8]
    assert set(some.predict(images)) <= {7, 8}
    with pytest.raises(ShapeError, match="at most 10 different labels, received 11"):
        small().fit(TRAIN.images, np.arange(400) % 11)


def test_the_same_seed_gives_the_same_network(fitted: DigitClassifier) -> None:
    again = clone(fitted).fit(TRAIN.images[:300], TRAIN.labels[:300])
    np.testing.assert_array_equal(again.predict_proba(TRAIN.images), fitted.predict_proba(TRAIN.images))


def test_it_may_be_sent_to_another_process(fitted: DigitClassifier) -> None:
    sent = pickle.loads(pickle.dumps(fitted))  # noqa: S301 - our own
    np.testing.assert_allclose(sent.predict_proba(TRAIN.images), fitted.predict_proba(TRAIN.images), atol=1e-6)


def test_one_option_changes_and_the_others_stay() -> None:
    first = small()
    second = clone(first).set_params(options__width=8, epochs=1)
    assert second.get_params()["options__width"] == 8
    assert second.options == {"width": 8, "hidden": 1}
    assert first.options == {"width": 32, "hidden": 1}
    with pytest.raises(ValueError, match="Invalid parameter 'widht'"):
        first.set_params(widht=8)


def test_scikit_learns_searches_and_pipelines_work_with_it() -> None:
    """S1 §2.2.4 and §2.3.1 on a few images."""
    flat, labels = TRAIN.images.reshape(-1, 784) / 255, TRAIN.labels
    scores = cross_val_score(small(epochs=3), flat, labels, cv=3)
    assert scores.shape == (3,)
    assert scores.mean() > 0.4
    search = GridSearchCV(small(epochs=2), {"batch_size": [32, 400], "options__width": [4, 32]}, cv=2)
    search.fit(flat, labels)
    assert search.best_params_ == {"batch_size": 32, "options__width": 32}
    pipeline = make_pipeline(FunctionTransformer(lambda pixels: pixels / 255), small())
    assert pipeline.fit(TRAIN.images.reshape(-1, 784), labels).score(TRAIN.images.reshape(-1, 784), labels) > 0.7


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"patience": 2}, "patience needs validation images"),
        ({"validation": 0.001}, "leaves none to validate on"),
        ({"augmentation": "realtime"}, "Sobel"),
        ({"options": {"wide": 3}}, "wide"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_fit(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        small(**wrong).fit(TRAIN.images, TRAIN.labels)


def test_the_package_loads_it_only_when_asked() -> None:
    asked = "print('sklearn' in sys.modules)"
    code = f"import sys, digitlab; {asked}; digitlab.DigitClassifier; {asked}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


NO_IMAGES = "the check brings a matrix of some columns, and an image has 784 pixels; AnyMatrix passes it"
CANNOT_APPLY = dict.fromkeys(
    (
        "check_fit_score_takes_y", "check_estimators_overwrite_params", "check_dont_overwrite_parameters",
        "check_estimators_fit_returns_self", "check_readonly_memmap_input", "check_n_features_in_after_fitting",
        "check_positive_only_tag_during_fit", "check_estimators_dtypes", "check_dtype_object",
        "check_pipeline_consistency", "check_estimators_pickle",
        "check_f_contiguous_array_estimator", "check_classifier_data_not_an_array", "check_classifiers_one_label",
        "check_classifiers_classes", "check_classifiers_train", "check_classifiers_regression_target",
        "check_supervised_y_2d", "check_methods_sample_order_invariance", "check_methods_subset_invariance",
        "check_fit2d_1sample", "check_fit2d_1feature", "check_dict_unchanged", "check_fit_idempotent",
        "check_fit_check_is_fitted", "check_n_features_in", "check_fit2d_predict1d", "check_requires_y_none",
        "check_estimators_nan_inf",
    ),
    NO_IMAGES,
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks_pass_where_they_apply() -> None:
    """Those that fail on images alone are named, and pass where their columns become pixels."""
    found = check_estimator(small(), on_fail=None, on_skip=None, expected_failed_checks=CANNOT_APPLY)
    assert not [(each["check_name"], each["exception"]) for each in found if each["status"] == "failed"]
    assert {each["check_name"] for each in found if each["status"] == "xfail"} == set(CANNOT_APPLY)
    # Batches of 10: the checks bring 20, 30, 40 rows, and whole batches need one graph, not two.
    found = check_estimator(
        _any_matrix()("dense-family", **{**SMALL, "batch_size": 10, "epochs": 6}), on_fail=None, on_skip=None
    )
    assert not [(each["check_name"], each["exception"]) for each in found if each["status"] == "failed"]
    assert {each["check_name"] for each in found if each["status"] == "passed"} >= set(CANNOT_APPLY) - {
        "check_classifier_data_not_an_array"  # wants pandas for its second half
    }


def _any_matrix() -> type[DigitClassifier]:
    """The class of any_matrix.py, under a name by which it can be pickled."""
    spec = importlib.util.spec_from_file_location("any_matrix", Path(__file__).with_name("any_matrix.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["any_matrix"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: type[DigitClassifier] = module.AnyMatrix
    return found
