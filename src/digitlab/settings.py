"""A setting is declared once: as a field of a dataclass, or as a parameter of a job, with default, range and help.

The declaration yields the options of the command line (`digitlab.apps.cli.options`), the keys of a recipe, the
keywords of `DigitClassifier` and `Reader.read` (`with_keywords_of`), and the tables of docs (tools/settings_tables.py).
The help of a job's parameter is taken from its docstring.

>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... class Config:
...     epochs: int = setting(12, "Passes over the images.", within=Range(1))
...     def __post_init__(self) -> None:
...         check_settings(self)
>>> Config(epochs=0)
Traceback (most recent call last):
digitlab.errors.UsageError: epochs is 0; expected 1 or more

>>> from typing import Annotated
>>> @checked
... def job(epochs: Annotated[int, Setting(within=Range(1))] = 12) -> None: ...
>>> job(0)
Traceback (most recent call last):
digitlab.errors.UsageError: epochs is 0; expected 1 or more
"""

from __future__ import annotations

import builtins
import difflib
import functools
import inspect
import math
import numbers
import re
import types
import warnings
from collections import ChainMap, defaultdict
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Optional,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from digitlab.errors import RecipeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "RENAMED_KEYS", "RENAMED_OPTIONS", "Range", "Setting", "argument_texts", "check_settings", "checked", "expect_key",
    "hints_of", "seconds_of", "setting", "settings_in", "whole_numbers", "with_current_keys", "with_keywords_of",
]  # fmt: skip

# Old names, which still work but print a hint: of recipe keys, and of options by verb.
RENAMED_KEYS: Mapping[str, str] = {"data": "dataset", "optimizer": "optimiser"}
RENAMED_OPTIONS: Mapping[str, Mapping[str, str]] = {"live": {"--insist": "--retry"}}

_Function = TypeVar("_Function", bound="Callable[..., Any]")
_PLAIN = (str, int, float, bool, Path)  # types that a text can be parsed to directly
_ARGUMENT = re.compile(r"    \*{0,2}(\w+): (.*)")  # a parameter in a docstring's Args
_NUMBERS = ((int, numbers.Integral, "a whole number"), (float, numbers.Real, "a number"))
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?")


class Range(NamedTuple):
    """The range of a numeric setting, ``low`` to ``high`` inclusive; ``above`` excludes ``low``, ``below`` ``high``.

    >>> str(Range(1)), str(Range(1, 19)), str(Range(0, above=True)), str(Range(0, 1, below=True))
    ('1 or more', '1 to 19', 'more than 0', '0 to below 1')
    """

    low: float
    high: float = math.inf
    above: bool = False
    below: bool = False

    def holds(self, value: float) -> bool:
        """Whether the value lies in the range; NaN lies in none."""
        over = self.low < value if self.above else self.low <= value
        return over and (value < self.high if self.below else value <= self.high)

    def __str__(self) -> str:
        low = f"more than {self.low}" if self.above else f"{self.low}"
        if self.high == math.inf:
            return low if self.above else f"{low} or more"
        return f"{low} to below {self.high}" if self.below else f"{low} to {self.high}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The declaration of one setting.

    name: of the field, which is also the key in a recipe and the keyword in Python
    kind: its type, without None for optional settings
    default: None if there is none, and for an empty mapping or tuple; required: whether a value must be given
    within, choices: the allowed values, besides None; unit: of the numbers
    flag: the option of the command line; spellings: its aliases
    of_text: converts what was typed, which is a ``typed``, to the value; None: by the type
    parameter_kind: on the command line: an option, positional, or all positional arguments (of `inspect.Parameter`)
    """

    name: str = ""
    kind: Any = str
    default: Any = None
    required: bool = False
    help: str = ""
    within: Range | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    flag: str = ""
    spellings: tuple[str, ...] = ()
    of_text: Callable[[Any], Any] | None = None
    typed: Any = str
    parameter_kind: inspect._ParameterKind = inspect.Parameter.KEYWORD_ONLY

    @property
    def annotation(self) -> Any:
        """The type of the keyword; it includes None if None is the default."""
        return Optional[self.kind] if self.default is None and not self.required else self.kind  # noqa: UP045 - the kind is a value here

    @property
    def allowed(self) -> str:
        """The allowed values in words; empty if there is no restriction."""
        return ", ".join(self.choices) or ("" if self.within is None else f"{self.within} {self.unit}".rstrip())

    def check(self, value: Any) -> None:
        """Reject a value outside the range or the choices, and what is no number or not whole; None is always allowed.

        Raises:
            UsageError: naming the allowed values.
        """
        if value is None:
            return
        name = self.name if self.flag in ("", "--" + self.name.replace("_", "-")) else self.flag
        for kind, numbers_of_kind, expected in _NUMBERS:
            if self.kind is kind and not isinstance(value, numbers_of_kind):
                more = f", {self.allowed}" if self.allowed else ""
                raise UsageError(f"{name} is {value!r}; expected {expected}{more}")
        if self.within is not None and not self.within.holds(value):
            raise UsageError(f"{name} is {value}; expected {self.allowed}")
        if self.choices and value not in self.choices:
            near = difflib.get_close_matches(str(value), self.choices, n=1)
            hint = f". Did you mean {near[0]!r}?" if near else ""
            expected = f"one of {self.allowed}" if len(self.choices) > 1 else f"{self.allowed}, or nothing"
            raise UsageError(f"{name} is {value!r}; expected {expected}{hint}")


def setting(
    default: Any,
    text: str,
    *,
    within: Range | None = None,
    choices: Sequence[str] = (),
    unit: str = "",
    flag: str = "",
    spellings: Sequence[str] = (),
    of_text: Callable[[Any], Any] | None = None,
    typed: Any = str,
) -> Any:
    """Declare a dataclass field as a setting; the arguments are those of `Setting`, ``text`` is its help.

    default: a class, such as ``dict``, is called to make each new value
    """
    declared = Setting(
        help=text, within=within, choices=tuple(choices), unit=unit, flag=flag, spellings=tuple(spellings),
        of_text=of_text, typed=typed,
    )  # fmt: skip
    if isinstance(default, type):
        return field(default_factory=default, metadata={"setting": declared})
    return field(default=default, metadata={"setting": declared})


@functools.cache
def settings_in(declaring: type | Callable[..., Any]) -> tuple[Setting, ...]:
    """Return the settings of a dataclass in the order of its fields, or those among the parameters of a function.

    A parameter that cannot be typed as text, such as a listener, is not a setting.
    """
    if not isinstance(declaring, type):
        return tuple(_parameters_of(inspect.unwrap(declaring)))
    kinds = get_type_hints(declaring)
    return tuple(
        _complete(entry.metadata["setting"], entry.name, kinds[entry.name], entry.default)
        for entry in fields(declaring)
        if "setting" in entry.metadata
    )


def _parameters_of(function: Callable[..., Any]) -> Iterator[Setting]:
    kinds, texts = hints_of(function), argument_texts(function)
    for parameter in inspect.signature(function).parameters.values():
        kind, declared = kinds.get(parameter.name), Setting()
        if get_origin(kind) is Annotated:
            kind, declared = get_args(kind)
        if parameter.kind is not parameter.VAR_KEYWORD and (typed := _settable(kind)) is not None:
            text = texts.get(parameter.name, "")
            usual = parameter.POSITIONAL_ONLY if parameter.kind is parameter.POSITIONAL_OR_KEYWORD else parameter.kind
            parameter_kind = parameter.KEYWORD_ONLY if declared.flag else usual
            declared = replace(declared, help=text[:1].upper() + text[1:], parameter_kind=parameter_kind)
            yield _complete(declared, parameter.name, typed, parameter.default)


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of a function's parameters; Any for types that are imported for type checkers only."""
    namespace = ChainMap(function.__globals__, vars(builtins), defaultdict(lambda: Any))
    return get_type_hints(function, localns=namespace, include_extras=True)


def _complete(declared: Setting, name: str, kind: Any, default: Any) -> Setting:
    kind = _without_none(kind)
    return replace(
        declared,
        name=name,
        kind=kind,
        choices=declared.choices or _literals(kind),
        default=None if default in (MISSING, inspect.Parameter.empty) else default,
        required=default is inspect.Parameter.empty,
        flag=declared.flag or "--" + name.replace("_", "-"),
    )


def _settable(kind: Any) -> Any:
    """Return the first member of a type that can be typed as text; None if there is none."""
    kind = _without_none(kind)
    parts = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return next((part for part in parts if part in _PLAIN or get_origin(part) in (list, tuple, Literal)), None)


def argument_texts(function: Callable[..., Any]) -> dict[str, str]:
    """Parse the section Args of a docstring: the text about each parameter."""
    texts: dict[str, str] = {}
    for line in (inspect.getdoc(function) or "").partition("\nArgs:\n")[2].splitlines():
        if not line.startswith("    "):
            break
        if match := _ARGUMENT.fullmatch(line):
            texts[match[1]] = match[2]
        else:
            texts[next(reversed(texts))] += f" {line.strip()}"
    return texts


def _without_none(kind: Any) -> Any:
    if get_origin(kind) not in (Union, types.UnionType):
        return kind
    members = [each for each in get_args(kind) if each is not type(None)]
    return members[0] if len(members) == 1 else Union[tuple(members)]  # noqa: UP007 - made of what is found


def _literals(kind: Any) -> tuple[str, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def check_settings(config: object) -> None:
    """Validate all settings of a config; for ``__post_init__``.

    Raises:
        UsageError: for the first invalid one, naming the allowed values.
    """
    declaring: type = type(config)
    for each in settings_in(declaring):
        each.check(getattr(config, each.name))


def checked(job: _Function) -> _Function:
    """Make a function reject arguments outside the ranges and choices that its signature declares.

    Raises:
        UsageError: for the first invalid one, naming the allowed values.
    """
    signature = inspect.signature(job)

    @functools.wraps(job)
    def call(*arguments: Any, **keywords: Any) -> Any:
        values = signature.bind(*arguments, **keywords).arguments
        for each in settings_in(job):
            each.check(values.get(each.name))
        return job(*arguments, **keywords)

    return call  # type: ignore[return-value]


def expect_key(declaring: type, key: str, value: object, source: object) -> None:
    """Reject an unknown key of a TOML table, or a value of the wrong type; ``source`` starts the message.

    Raises:
        RecipeError: naming the closest known key, or the expected type.
    """
    kinds = {each.name: each.kind for each in settings_in(declaring)}
    if key not in kinds:
        near = difflib.get_close_matches(key, kinds, n=1)
        hint = f" did you mean {near[0]!r}?" if near else f" known: {', '.join(kinds)}"
        raise RecipeError(f"{source}: unknown key {key!r};{hint}")
    # TOML distinguishes 1 from 1.0, but users need not; a mapping is a TOML table, a tuple a list.
    origin = get_origin(kinds[key]) or kinds[key]
    allowed = {float: (int, float), tuple: (list,), Mapping: (dict,)}.get(origin, (origin,))
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise RecipeError(f"{source}: {key} is {value!r}; expected {allowed[-1].__name__}")


def with_keywords_of(declaring: type, *, leave_out: Sequence[str] = ()) -> Callable[[_Function], _Function]:
    """Give a function whose last parameter is ``**keywords`` a signature that names the settings of a dataclass."""

    def decorate(function: _Function) -> _Function:
        own = list(inspect.signature(function).parameters.values())[:-1]
        names = {*leave_out, *(each.name for each in own)}
        added = [
            inspect.Parameter(
                each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=each.annotation
            )
            for each in settings_in(declaring)
            if each.name not in names
        ]
        function.__signature__ = inspect.signature(function).replace(parameters=[*own, *added])  # type: ignore[attr-defined]
        return function

    return decorate


def with_current_keys(content: Mapping[str, Any], source: object) -> dict[str, Any]:
    """Rename outdated keys in a recipe's settings, with a warning that starts with ``source``."""
    current = {}
    for key, value in content.items():
        if key in RENAMED_KEYS and RENAMED_KEYS[key] not in content:
            warnings.warn(f"{source}: {key} is now called {RENAMED_KEYS[key]}", FutureWarning, stacklevel=3)
            current[RENAMED_KEYS[key]] = value
        else:
            current[key] = value
    return current


def seconds_of(text: str) -> float:
    """Parse a duration as people write it; a plain number is in seconds.

    >>> seconds_of("45m"), seconds_of("1.5h"), seconds_of("30s"), seconds_of("2")
    (2700.0, 5400.0, 30.0, 2.0)

    Raises:
        UsageError: for anything else, and for zero.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or float(match[1]) == 0:
        raise UsageError(f"--for is {text!r}; expected seconds above 0, or a time such as 45m, 2h or 30s")
    return float(match[1]) * {"s": 1, "m": 60, "min": 60, "h": 3600, None: 1}[match[2]]


def whole_numbers(option: str, form: str, expected: str) -> Callable[[str], tuple[int, ...]]:
    r"""Return a parser of whole numbers from a text matching ``form``, a regular expression with a group for each.

    >>> whole_numbers("--grid", r"(\d+)x(\d+)", "columns x rows")("9x9")
    (9, 9)
    """

    def numbers(text: str) -> tuple[int, ...]:
        match = re.fullmatch(form, text.replace(" ", ""), re.ASCII)
        if match is None or any(len(number) > 6 for number in match.groups()):
            raise UsageError(f"{option} is {text[:60]!r}; expected {expected}")
        return tuple(map(int, match.groups()))

    return numbers
