"""Pickles of arrays, lists and dictionaries, read as data: nothing that they name is ever run.

A pickle is a small program, and `pickle.load` runs it with everything that is installed at hand.
Here its instructions are only decoded (`pickletools` does that and executes nothing) and followed
by the machine below, which can build numbers, text, tuples, lists, dictionaries, arrays of numbers
and CSR matrices. It imports no name from a pickle: the few that it knows stand for its own steps.
"""

from __future__ import annotations

import pickletools
import re
from typing import Any

import numpy as np
import scipy.sparse as sp

# Old and new homes of what numpy and scipy write into pickles, to the step that stands for them.
_KNOWN = {
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "numpy.core.multiarray _reconstruct": "empty array",
    "numpy._core.multiarray _reconstruct": "empty array",
    "scipy.sparse.csr csr_matrix": "csr",
    "scipy.sparse._csr csr_matrix": "csr",
    "collections defaultdict": "dictionary",
    "__builtin__ list": "list",
    "builtins list": "list",
}
_NUMBERS = re.compile(r"[biuf][1248]")  # never "O": objects would need a pickle of their own
_LITERALS = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINSTRING", "SHORT_BINSTRING", "BINUNICODE",
    "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES", "BINFLOAT",
}  # fmt: skip
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Refusal(ValueError):
    """A pickle that asks for more than data."""


class _Known:
    """A name of `_KNOWN`, on the stack."""

    def __init__(self, step: str) -> None:
        self.step = step


class _Dtype:
    def __init__(self, kind: Any) -> None:
        if not isinstance(kind, str) or not _NUMBERS.fullmatch(kind):
            raise _Refusal(f"holds an array of dtype {kind!r}; only numbers are read")
        self.kind = kind
        self.order = "|"


class _Array:
    value: np.ndarray | None = None


class _Csr:
    state: dict[Any, Any] | None = None


def read_pickle(content: bytes, where: str) -> Any:
    r"""What a pickle holds, if it holds nothing but data.

    Parameters
    ----------
    content
        The pickle: protocol 2 as Python 2 wrote it (text as Latin-1), to 4.
    where
        What to call it in an error.

    Returns
    -------
    ndarray, csr_array, dict or list
        Arrays are read-only; a defaultdict becomes a plain dictionary.

    Raises
    ------
    ValueError
        If it asks for a global other than those that an array, a CSR matrix or a dictionary of
        lists needs, holds an array of objects, or is no complete pickle. Nothing of it was run.

    Examples
    --------
    >>> read_pickle(b"\x80\x02]q\x00(K\x01K\x02e.", "list.pkl")
    [1, 2]
    >>> read_pickle(b"cos\nsystem\n(S'ls'\ntR.", "bad.pkl")
    Traceback (most recent call last):
    ValueError: bad.pkl asks for the global 'os.system', ... It was refused; nothing in it was run.
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(content):
            machine.follow(opcode.name, argument)
        return _plain(machine.result())
    except _Refusal as error:
        raise ValueError(f"{where} {error}. It was refused; nothing in it was run.") from None
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise ValueError(f"{where} is no complete pickle of arrays ({error}).") from None


class _Machine:
    """The stack and the memo of a pickle, and the instructions that plain data need."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def result(self) -> Any:
        (value,) = self.stack
        return value

    def follow(self, name: str, argument: Any) -> None:
        stack = self.stack
        match name:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case _ if name in _LITERALS:
                stack.append(argument)
            case _ if name in _CONSTANTS:
                stack.append(_CONSTANTS[name])
            case _ if name in _TUPLES:
                stack.append(tuple(self.pop(_TUPLES[name])))
            case "TUPLE":
                stack.append(tuple(self.pop_to_mark()))
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_DICT":
                stack.append({})
            case "MARK":
                self.marks.append(len(stack))
            case "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self.memo[argument])
            case "APPEND":
                self.extend(self.pop(1))
            case "APPENDS":
                self.extend(self.pop_to_mark())
            case "SETITEM":
                self.fill(self.pop(2))
            case "SETITEMS":
                self.fill(self.pop_to_mark())
            case "GLOBAL":
                stack.append(_known(argument))
            case "STACK_GLOBAL":
                stack.append(_known(" ".join(self.pop(2))))
            case "INST":
                raise _refused(argument)
            case "REDUCE" | "NEWOBJ":
                stack.append(_made(*self.pop(2)))
            case "BUILD":
                (state,) = self.pop(1)
                _complete(stack[-1], state)
            case _:
                raise _Refusal(f"holds the instruction {name}, which plain data do not need")

    def pop(self, count: int) -> list[Any]:
        if count > len(self.stack):
            raise LookupError("it takes more than it holds")
        start = len(self.stack) - count
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def pop_to_mark(self) -> list[Any]:
        return self.pop(len(self.stack) - self.marks.pop())

    def extend(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise TypeError("it appends to what is no list")
        self.stack[-1].extend(values)

    def fill(self, values: list[Any]) -> None:
        if type(self.stack[-1]) is not dict:
            raise TypeError("it sets items of what is no dictionary")
        self.stack[-1].update(zip(values[::2], values[1::2], strict=True))


def _known(name: str) -> _Known:
    if name not in _KNOWN:
        raise _refused(name)
    return _Known(_KNOWN[name])


def _refused(name: str) -> _Refusal:
    return _Refusal(f"asks for the global {name.replace(' ', '.')!r}, which plain data do not need")


def _made(call: Any, arguments: Any) -> Any:
    step = call.step if isinstance(call, _Known) else "no name"
    if step == "dtype":
        return _Dtype(arguments[0])
    if step == "empty array":
        return _Array()
    if step == "csr" and not arguments:
        return _Csr()
    if step == "dictionary":
        return {}
    raise _Refusal(f"calls {step} with {len(arguments)} arguments, which plain data do not need")


def _complete(made: Any, state: Any) -> None:
    if isinstance(made, _Dtype):
        made.order = state[1]
    elif isinstance(made, _Array):
        made.value = _array(*state)
    elif isinstance(made, _Csr) and isinstance(state, dict):
        made.state = state
    else:
        raise _Refusal(f"sets the state of a {type(made).__name__}, which plain data do not need")


def _array(_version: int, shape: Any, dtype: Any, by_columns: bool, raw: Any) -> np.ndarray:
    if not isinstance(dtype, _Dtype) or dtype.order not in ("<", ">", "|"):
        raise TypeError("an array without a dtype")
    # Python 2 wrote bytes as text, which is decoded as Latin-1: one character a byte.
    content = raw.encode("latin-1") if isinstance(raw, str) else raw
    flat = np.frombuffer(content, dtype=dtype.order + dtype.kind)
    if min(shape, default=1) < 0:
        raise ValueError(f"an array of shape {shape}")
    return flat.reshape(shape, order="F" if by_columns else "C")


def _plain(value: Any) -> Any:
    if isinstance(value, _Array):
        if value.value is None:
            raise ValueError("an array without content")
        return value.value
    if isinstance(value, _Csr):
        state = value.state or {}
        parts = tuple(_plain(state[part]) for part in ("data", "indices", "indptr"))
        if any(part.dtype.kind not in "iu" for part in parts[1:]):
            raise ValueError("a CSR matrix with positions that are no whole numbers")
        matrix = sp.csr_array(parts, shape=tuple(state["_shape"]))
        matrix.check_format(full_check=True)
        return matrix
    if type(value) not in (dict, list):
        raise TypeError(f"a {type(value).__name__} by itself")
    return value
