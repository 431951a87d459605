"""Implementation of `digitlab classify`, for pictures and for datasets."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, complain, one_line, say, say_json
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.standard_input import called, on_disk
from digitlab.errors import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from digitlab.jobs.answers import Answers, ClassifiedData
    from digitlab.reading import Reader
    from digitlab.values import Prediction

    Row = Callable[[str, int, int | None, float], None]

__all__ = ["classify_datasets", "classify_pictures", "parts_of", "table_of"]

_DATASETS = (
    ".csv", ".npz", ".npy", ".mat", ".h5", ".hdf5", ".pkl", ".pkl.gz", ".parquet", ".tfrecord", ".tfrecords", ".lmdb",
    ".mdb",
)  # fmt: skip


def parts_of(images: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Split paths into pictures and datasets, by their names."""
    from digitlab.datasets.formats.idx import is_idx_name
    from digitlab.datasets.formats.polarity import parted_name

    def is_dataset(path: Path) -> bool:
        file = parted_name(path)[0]
        return file.name.lower().endswith(_DATASETS) or (is_idx_name(file.name) and file.is_file())

    return [path for path in images if not is_dataset(path)], [path for path in images if is_dataset(path)]


@contextlib.contextmanager
def table_of(csv: Path | None) -> Iterator[Row]:
    """Yield a function that writes a row of the CSV table, or does nothing if no table is wanted."""
    if csv is None:
        yield lambda *_: None
        return
    from digitlab.jobs.answers import answer_table

    with answer_table(csv) as write:
        yield write


def classify_pictures(pictures: Sequence[Path], reader: Reader, row: Row, *, json: bool) -> int:
    """Classify every page of every picture; return 1 if one got no digit, 2 if one could not be read."""

    def classify_page(path: str) -> bool:
        prediction, name = reader.classify(path), called(path)
        shown = one_line(name)
        if prediction.note is not None and not json:
            advise(f"{shown}: {prediction.note.replace('`read`', '`digitlab read`')}")
        if json:
            say_json(_classified(name, prediction))
        elif prediction.digit is None:
            say(f"{shown}: no digit" + (f" (best guess {_best(prediction)})" if prediction.confidence else ""))
        else:
            say(f"{shown}: {prediction.digit}  ({100 * prediction.confidence:.1f} %)")
        file, _, page = name.rpartition("#")
        row(*((file, int(page)) if file and page.isdecimal() else (name, 1)), prediction.digit, prediction.confidence)
        return prediction.digit is not None

    with on_disk(pictures) as files:
        return _for_each_page(files, classify_page, json=json)


def _for_each_page(files: Sequence[Path], classify: Callable[[str], bool], *, json: bool) -> int:
    """Classify every page; a bad file or page is reported and does not stop the others."""
    from digitlab.errors import InputError
    from digitlab.picture_files.pages import page_names

    refused = bad = count = 0
    for file in files:
        path = str(file)
        try:
            pages = page_names(file)
        except InputError as error:
            pages = []
            count, bad = count + 1, bad + 1
            _complain_of(path, error, json=json)
        for path in pages:
            count += 1
            try:
                refused += not classify(path)
            except InputError as error:
                bad += 1
                _complain_of(path, error, json=json)
    if bad and count > 1:
        advise(f"{bad} of {counted(count, 'picture')} could not be read")
    return 2 if bad else int(refused > 0)


def _complain_of(path: str, error: Exception, *, json: bool) -> None:
    message = str(error).replace(path, called(path))
    complain(message)
    if json:
        say_json({"path": called(path), "error": message})


def classify_datasets(
    datasets: Sequence[Path], row: Row, settings: Mapping[str, Any], *, quiet: bool, json: bool
) -> int:
    """Classify every image of every dataset; return 2 if a dataset could not be read.

    settings: arguments of `digitlab.jobs.classify_data`; quiet: only count the answers
    """
    from digitlab.datasets.formats.polarity import parted_name
    from digitlab.errors import InputError
    from digitlab.jobs import classify_data

    bad = 0
    for path in datasets:
        name = called(parted_name(path)[0])
        shown = one_line(name)

        def take(answers: Answers, name: str = name, shown: str = shown) -> None:
            for number, digit, confidence in answers.rows():
                row(name, number, digit, confidence)
                if not quiet and not json:
                    answer = "no digit" if digit is None else f"{digit}  ({100 * confidence:.1f} %)"
                    say(f"{shown}#{number}: {answer}")
            if json:
                _say_rows(name, answers)

        try:
            with JobView() as view:
                result = classify_data(str(path), **settings, take=take, listener=view)
        except InputError as error:
            bad += 1
            complain(str(error))
            if json:
                say_json({"path": name, "error": str(error)})
            continue
        _show_summary(shown, result)
    if bad and len(datasets) > 1:
        advise(f"{bad} of {counted(len(datasets), 'dataset')} could not be read")
    return 2 if bad else 0


def _say_rows(name: str, answers: Answers) -> None:
    for (number, digit, confidence), shares in zip(answers.rows(), answers.probabilities.tolist(), strict=True):
        numbers = {"confidence": round(confidence, 4), "probabilities": [round(share, 6) for share in shares]}
        say_json({"path": name, "image": number, "digit": digit, **numbers})


def _show_summary(name: str, result: ClassifiedData) -> None:
    counts = ", ".join(f"{digit}: {count:,}" for digit, count in enumerate(result.counts))
    unsure = f"; {result.unsure:,} below the threshold" if result.unsure else ""
    advise(f"{name}: {counted(result.images, 'image')}, {counts}{unsure}")
    if result.labelled:
        share = 100 * result.agreeing / result.labelled
        advise(
            f"{name}: has labels; {result.agreeing:,} of {result.labelled:,} ({share:.1f} %) agree with the answers; "
            "`digitlab evaluate --data` measures more"
        )


def _classified(path: str, prediction: Prediction) -> dict[str, Any]:
    return {
        "path": path,
        "digit": prediction.digit,
        "confidence": round(prediction.confidence, 4),
        "probabilities": [round(share, 6) for share in prediction.probabilities],
        **({} if prediction.note is None else {"note": prediction.note}),
    }


def _best(prediction: Prediction) -> str:
    digit = max(range(10), key=prediction.probabilities.__getitem__)
    return f"{digit}, {100 * prediction.confidence:.1f} %"
