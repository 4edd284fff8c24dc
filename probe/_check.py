"""The wording of every argument error, in one place: what was wanted, what came, what to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NoReturn

import numpy as np


def refuse(name: str, wanted: str, got: object, hint: str = "") -> NoReturn:
    """Raise the ValueError that says what `name` must be, what it was, and what to do.

    Raises
    ------
    ValueError
        Always.

    Examples
    --------
    >>> refuse("alpha", "be in (0, 1]", 1.5, "0.15 is the paper's value.")
    Traceback (most recent call last):
    ...
    ValueError: `alpha` must be in (0, 1]; got 1.5. 0.15 is the paper's value.
    """
    raise ValueError(_sentence(name, wanted, got, hint))


def refuse_type(name: str, wanted: str, got: object, hint: str = "") -> NoReturn:
    """Raise the TypeError that says what `name` must be and which type came."""
    raise TypeError(_sentence(name, wanted, f"{type(got).__name__}", hint))


def one_of(name: str, value: Any, allowed: Collection[Any]) -> Any:
    """Give `value` back if it is allowed, else say what is.

    Raises
    ------
    ValueError
        If `value` is not in `allowed`.

    Examples
    --------
    >>> one_of("kind", "pca", ("pca", "zca"))
    'pca'
    """
    if value not in allowed:
        listed = ", ".join(repr(a) for a in allowed)
        refuse(name, f"be one of {listed}", repr(value))
    return value


def integer(name: str, value: Any, *, low: int | None = None, high: int | None = None) -> int:
    """Give `value` as an int within [low, high].

    Raises
    ------
    TypeError
        If it is no whole number.
    ValueError
        If it lies outside the bounds.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        refuse_type(name, "be an integer", value)
    _within(name, value, low, high)
    return int(value)


def number(name: str, value: Any, *, low: float | None = None, high: float | None = None) -> float:
    """Give `value` as a finite float within [low, high].

    Raises
    ------
    TypeError
        If it is no real number.
    ValueError
        If it is not finite or lies outside the bounds.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        refuse_type(name, "be a real number", value)
    if not np.isfinite(value):
        refuse(name, "be finite", value)
    _within(name, value, low, high)
    return float(value)


def finite(name: str, array: np.ndarray) -> np.ndarray:
    """Give `array` back if every entry is finite, else say how many are not and where the first is.

    Raises
    ------
    ValueError
        If it holds NaN or infinity.
    """
    ok = np.isfinite(array)
    if not ok.all():
        bad = int(array.size - np.count_nonzero(ok))
        first = tuple(int(i) for i in np.argwhere(~ok)[0])
        refuse(
            name,
            "be finite everywhere",
            f"{bad} NaN or infinite values, the first at index {first}",
            "Drop or repair those rows first.",
        )
    return array


def ndim(name: str, array: Any, axes: Sequence[str]) -> None:
    """Check that `array` has one axis for each of the named `axes`.

    Raises
    ------
    ValueError
        If the number of axes differs.
    """
    if len(array.shape) != len(axes):
        refuse(name, f"have axes ({', '.join(axes)})", f"shape {tuple(array.shape)}")


def same_length(**named: Any) -> int:
    """Check that all the named sequences have one length, and give it.

    Raises
    ------
    ValueError
        If two lengths differ.
    """
    lengths = {name: len(value) for name, value in named.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        names = " and ".join(f"`{name}`" for name in lengths)
        raise ValueError(f"{names} must have the same length; got {listed}.")
    return next(iter(lengths.values()))


def _within(name: str, value: Any, low: Any, high: Any) -> None:
    below = low is not None and value < low
    above = high is not None and value > high
    if not (below or above):
        return
    if low is not None and high is not None:
        refuse(name, f"be between {low} and {high}", value)
    refuse(name, f"be at least {low}" if below else f"be at most {high}", value)


def _sentence(name: str, wanted: str, got: object, hint: str) -> str:
    text = f"`{name}` must {wanted}; got {got}."
    return f"{text} {hint}" if hint else text
