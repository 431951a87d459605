"""`digitlab sheet review`, `correct`, `promise`, `agree`, `writers`: what follows the reading of a stack."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.apps.cli.console import advise, say, say_json, table
from digitlab.apps.cli.job_view import JobView
from digitlab.apps.cli.options import options_of
from digitlab.errors import counted
from digitlab.jobs import practice
from digitlab.jobs import sheet_review as jobs
from digitlab.jobs.sheet_agreement import compare_sheets

if TYPE_CHECKING:
    from digitlab.evaluation.intervals import Interval

__all__ = ["agree", "correct", "promise", "review", "writers"]

_NAMED = 5  # refused photos that are named


@options_of(jobs.review_sheets)
def review(**options: Any) -> int:
    """Make a page of the fields to be checked in their sheets: the doubtful first, then a sample of the others.

    Keyboard only. The sample is random, so that a promise can be based on it. With --other, fields that a second reader
    (a model or a person) read differently are doubtful, too. The page loads nothing and sends nothing.

    For example:
    digitlab sheet review marks.toml marks.csv --out review.html
    digitlab sheet review marks.toml marks.csv --other theirs.csv
    """
    with JobView() as view:
        out, count = jobs.review_sheets(**options, listener=view)
    say(str(out))
    advise(f"{counted(count, 'field')}; open it in a browser, save the corrections, then: digitlab sheet correct")
    return 0


@options_of(jobs.correct_sheets)
def correct(*corrections: Path, json: bool = False, **options: Any) -> int:
    """Write the corrections made on the page into the table, where they stay, and the digits into a dataset.

    For example:
    digitlab sheet correct marks.toml marks.csv corrections.json
    digitlab sheet correct marks.toml marks.csv corrections.json --dataset ours.npz

    Args:
        json: One JSON object.
    """
    marks, dataset = options["marks"], options.get("dataset")
    with JobView() as view:
        result = jobs.correct_sheets(options.pop("form"), options.pop("marks"), *corrections, **options, listener=view)
    if json:
        say_json(asdict(result))
        return 0
    say(str(marks))
    advise(f"{counted(result.looked_over, 'field was', 'fields were')} reviewed, {result.changed:,} of them changed")
    if dataset is not None:
        say(str(dataset))
        advise(f"{counted(result.digits, 'digit')}")
    return 0


@options_of(jobs.promise_sheets)
def promise(*, json: bool = False, **options: Any) -> int:
    """From the checked sample, find the confidence above which at most a given share of the filled fields is wrong.

    With 95 % confidence, by the Clopper-Pearson bound; an error of 0.001 takes 2,995 sampled fields without an
    error, 0.01 takes 299. The promise is kept beside the table (marks.promise.json), for `sheet read --promise`. Exit
    code 1 when nothing can be promised yet, or when a later stack looks different.

    For example:
    digitlab sheet promise marks.toml marks.csv --error 0.01
    digitlab sheet promise marks.toml marks.csv --error 0.01 --later may.csv

    Args:
        json: One JSON object.
    """
    result = jobs.promise_sheets(**options)
    can_promise = result.promise.threshold is not None
    alarm = result.drift is not None and result.drift.alarm
    if json:
        drift = None if result.drift is None else {**asdict(result.drift), "alarm": result.drift.alarm}
        kept = None if result.kept is None else str(result.kept)
        counts = {"filled": result.filled, "above": result.above}
        say_json({**asdict(result.promise), **counts, "drift": drift, "kept": kept})
        return int(not can_promise or alarm)
    _say_promise(result)
    return int(not can_promise or alarm)


def _say_promise(result: jobs.PromiseMade) -> None:
    found = result.promise
    basis = f"{found.wrong:,} of {found.checked:,} sampled fields were wrong"
    if found.threshold is None:
        say(f"{100 * found.error:g} % cannot be promised yet: {basis}")
        advise(
            f"at least {found.needed:,} sampled fields without an error are needed; those checked so far allow "
            f"{100 * found.attainable:.2g} %. Draw more: digitlab sheet review --sample {min(5000, found.needed)}"
        )
    else:
        least = f"{found.threshold:.6f}"  # all digits that corrections have: rounded down, it would promise too much
        say(f"at a confidence of {least} or more, at most {100 * found.error:g} % of the filled fields are "
            f"wrong, with 95 % confidence ({basis}; bound {100 * found.bound:.3f} %)")  # fmt: skip
        say(f"to be reviewed: {100 * result.looked_at:.1f} % of {result.filled:,} filled fields")
        advise(
            f"digitlab sheet read … --promise {result.kept} marks them as doubtful, in this stack and in later ones, "
            "and says if a later one's confidences are lower"
        )
    if result.drift is not None:
        word = "ALARM: the later stack looks different" if result.drift.alarm else "the later stack looks the same"
        medians = f"medians of confidence {result.drift.earlier:.4f} and {result.drift.later:.4f}"
        distance = f"Kolmogorov-Smirnov distance {result.drift.distance:.3f}, p = {result.drift.probability:.2g}"
        say(f"{word}: {distance}, {medians}")


@options_of(compare_sheets)
def agree(*, json: bool = False, **options: Any) -> int:
    """Compare two readers of the same photos: two models, or a person and a model. Exit code 1 when they differ.

    Each is a table (CSV), or the corrections that a person saved on the page. Photos without values in one of them,
    because they were refused, do not count.

    For example:
    digitlab sheet agree marks.csv theirs.csv
    digitlab sheet agree corrections.json second-person.json

    Args:
        json: One JSON object.
    """
    agreement = compare_sheets(**options)
    if json:
        differences = [list(difference) for difference in agreement.differ]
        counts = {"fields": agreement.fields, "same": agreement.same}
        say_json({**counts, "differ": differences, "refused": list(agreement.refused)})
    else:
        for file, field, first, second in agreement.differ:
            say(f"{file}, {field}: {first or '(empty)'} | {second or '(empty)'}")
        low, high = (100 * end for end in agreement.interval)
        share = f"{100 * agreement.same / agreement.fields:.2f} %, {low:.1f} to {high:.1f} with 95 % confidence"
        advise(f"{agreement.same:,} of {counted(agreement.fields, 'field is', 'fields are')} the same ({share})")
        if count := len(agreement.refused):
            more = ", …" if count > _NAMED else ""
            advise(
                f"not compared: {counted(count, 'photo')} without values: {', '.join(agreement.refused[:_NAMED])}{more}"
            )
    return int(agreement.same < agreement.fields)


@options_of(practice.by_writer)
def writers(*, json: bool = False, **options: Any) -> int:
    """Accuracy per writer with 95 % confidence intervals; with --leave-one-out also after training on the others.

    With --leave-one-out each writer is left out once: the network is trained further on all others' digits (digitlab
    transfer --head keep) and then reads the one that it never saw. About a minute per writer.

    For example:
    digitlab sheet writers class.npz
    digitlab sheet writers class.npz --leave-one-out

    Args:
        json: One JSON object.
    """
    with JobView() as view:
        result = practice.by_writer(**options, listener=view)
    if json:
        say_json(asdict(result))
        return 0
    rows = []
    for score in result.scores:
        row = [score.writer, score.images, _accuracy(score.right, score.images, score.interval)]
        if score.right_after is not None and score.interval_after is not None:
            row.append(_accuracy(score.right_after, score.images, score.interval_after))
        rows.append(row)
    say(table(["writer", "images", "as it is", *(["after the others"] if options.get("leave_one_out") else [])], rows))
    if result.probability is not None:
        say(f"overall: p = {result.probability:.2g} (McNemar's exact test of the two accuracies)")
    return 0


def _accuracy(right: int, count: int, interval: Interval) -> str:
    low, high = (100 * end for end in interval)
    return f"{100 * right / count:.1f} % ({low:.1f} to {high:.1f})"
