"""The reader of pickles: data come out as they went in, and nothing else ever happens."""

from __future__ import annotations

import os
import pickle
import pickletools
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data._inert_pickle import read_pickle

NUMBERS = st.sampled_from(["<f4", "<f8", "<i4", ">i4", "<i8", "|u1", "|b1", ">f2"])


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(NUMBERS, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)),
    st.sampled_from([3, 4]),
    st.booleans(),
)
def test_arrays_come_out_as_they_went_in(array: np.ndarray, protocol: int, turned: bool) -> None:
    array = np.asfortranarray(array) if turned else array
    read = read_pickle(pickle.dumps(array, protocol=protocol), "array")
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("protocol", [3, 4])
def test_sparse_matrices_and_dictionaries_of_lists(protocol: int) -> None:
    dense = np.array([[0, 2, 0], [1, 0, 0], [0, 0, 0]], dtype=np.float32)
    read = read_pickle(pickle.dumps(sp.csr_matrix(dense), protocol=protocol), "matrix")
    np.testing.assert_array_equal(read.toarray(), dense)
    assert read.dtype == np.float32
    graph = defaultdict(list, {i: [i + 1, 300 * i, 70000 * i] for i in range(300)})
    assert read_pickle(pickle.dumps(graph, protocol=protocol), "graph") == graph
    assert read_pickle(pickle.dumps({0: [1]}, protocol=2), "graph") == {0: [1]}


def test_what_python_2_wrote() -> None:
    # ndarray([1, 258], int16), its bytes as a string of protocol 2.
    content = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b"
        b"\x87Rq\x03(K\x01K\x02\x85cnumpy\ndtype\nq\x04U\x02i2K\x00K\x01\x87Rq\x05(K\x03U\x01<NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x04\x01\x00\x02\x01tb."
    )
    np.testing.assert_array_equal(read_pickle(content, "old"), [1, 258])
    assert pickle.loads(content, encoding="latin1").tolist() == [1, 258]


class Call:
    """Pickled as a call of anything."""

    def __init__(self, function, *arguments) -> None:
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(1, 6))
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch ran",), r"(posix|nt)\.system"),
        (eval, ("open('ran', 'w')",), r"(builtins|__builtin__)\.eval"),
        (getattr, (np.ndarray, "tofile"), r"(builtins|__builtin__)\.getattr"),
        (np.load, ("ran.npy",), r"numpy\.load"),
        (np.fromfile, ("ran",), r"numpy\.fromfile"),
        (sp.load_npz, ("ran.npz",), r"scipy\.sparse.*load_npz"),
        (Path, ("ran",), r"pathlib.*\.Path|_codecs.encode"),
    ],
)
def test_a_call_is_refused_by_name_and_not_made(
    function, arguments, name: str, protocol: int, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for value in (Call(function, *arguments), [1, {2: Call(function, *arguments)}]):
        content = pickle.dumps(value, protocol=protocol)
        with pytest.raises(ValueError, match=rf"^evil asks for the global '({name})', which") as e:
            read_pickle(content, "evil")
        assert str(e.value).endswith("It was refused; nothing in it was run.")
    assert list(tmp_path.iterdir()) == []


def hostile_matrix(**changes: object) -> bytes:
    matrix = sp.csr_matrix(np.eye(2, dtype=np.float32))
    matrix.__dict__.update(changes)
    return pickle.dumps(matrix, protocol=4)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (pickle.dumps(np.array([os.system], dtype=object), 4), "array of dtype 'O8'; only numbers"),
        (pickle.dumps(np.array([None], dtype=object), 4), "array of dtype 'O8'; only numbers"),
        (pickle.dumps(np.array([Call(eval, "1")]), 4), "array of dtype 'O8'; only numbers"),
        (pickle.dumps(np.array(["a"]), 4), "array of dtype 'U1'; only numbers are read"),
        (pickle.dumps(np.zeros(1, dtype="f4,i4"), 4), "array of dtype 'V8'; only numbers"),
        (hostile_matrix(data=np.array([None, None])), "array of dtype 'O8'; only numbers"),
        (hostile_matrix(data=Call(eval, "print()")), "asks for the global 'builtins.eval'"),
        (hostile_matrix(indices=np.array([0, 7])), "no complete pickle of arrays .*indices"),
        (hostile_matrix(indptr=np.array([0, 9, 2])), "no complete pickle of arrays"),
        (hostile_matrix(indices=np.array([0.0, 1.0])), "positions that are no whole numbers"),
        (hostile_matrix(_shape=(2, -2)), "no complete pickle of arrays"),
        (hostile_matrix(indptr=3), "no complete pickle of arrays .*int"),
        (b"\x80\x02cscipy.sparse.csr\ncsr_matrix\n)\x81.", "no complete pickle .*'data'"),
        (b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R.", "calls ndarray with 1 arguments"),
        (b"\x80\x02cscipy.sparse.csr\ncsr_matrix\nK\x05\x85R.", "calls csr with 1 arguments"),
        (b"\x80\x02K\x05)R.", "calls no name with 0 arguments"),
        (b"\x80\x02}}b.", "sets the state of a dict"),
        (b"(iposix\nsystem\n.", "asks for the global 'posix.system'"),
        (b"Pabc\n.", "holds the instruction PERSID, which plain data do not need"),
        (b"\x80\x02\x82\x01.", "holds the instruction EXT1"),
        (b"\x80\x02ccopy_reg\n_reconstructor\n.", "asks for the global 'copy_reg._reconstructor'"),
        (b"cnumpy.core.multiarray\n_reconstruct\n)R.", "an array without content"),
        (b"", "no complete pickle of arrays"),
        (b"<html>", "is no complete pickle of arrays"),
        (b"\x80\x02K\x01.", "no complete pickle of arrays .a int by itself"),
        (b"\x80\x02]K\x01", "no complete pickle of arrays .*exhausted before seeing STOP"),
        (b"\x80\x02a.", "takes more than it holds"),
        (b"\x80\x02K\x01K\x02a.", "appends to what is no list"),
        (b"\x80\x02]K\x01K\x02s.", "sets items of what is no dictionary"),
        (b"\x80\x02h\x07.", "no complete pickle of arrays .7"),
    ],
)
def test_everything_else_is_refused(content: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=rf"^bad .*{text}"):
        read_pickle(content, "bad")


def array_state(shape: bytes, dtype: bytes, raw: bytes) -> bytes:
    made = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R"
    return made + b"(K\x01" + shape + dtype + b"\x89" + raw + b"tb."


INT2 = b"cnumpy\ndtype\nU\x02i2\x85R(K\x03U\x01<tb"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (array_state(b"J\xff\xff\xff\xff\x85", INT2, b"U\x02ab"), "shape .-1,."),
        (array_state(b"J\xff\xff\xff\x7f\x85", INT2, b"U\x02ab"), "cannot reshape"),
        (array_state(b"K\x01\x85", b"N", b"U\x02ab"), "an array without a dtype"),
        (array_state(b"K\x01\x85", INT2.replace(b"<", b"O"), b"U\x02ab"), "without a dtype"),
        (array_state(b"K\x01\x85", INT2, b"U\x01a"), "buffer size must be a multiple"),
    ],
)
def test_an_array_must_be_as_long_as_its_bytes(content: bytes, text: str) -> None:
    assert read_pickle(array_state(b"K\x01\x85", INT2, b"U\x02ab"), "good").tolist() == [25185]
    with pytest.raises(ValueError, match=f"no complete pickle of arrays .*{text}"):
        read_pickle(content, "bad")


def test_no_module_is_imported() -> None:
    assert "antigravity" not in sys.modules
    with pytest.raises(ValueError, match=r"'antigravity\.fly'"):
        read_pickle(b"cantigravity\nfly\n)R.", "bad")
    assert "antigravity" not in sys.modules


SEED = pickle.dumps({1: [2, 3]}, protocol=2), hostile_matrix(), pickle.dumps(np.arange(3), 3)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SEED), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255))))
def test_damage_gives_a_value_error_or_data(content: bytes, flips: list[tuple[int, int]]) -> None:
    damaged = bytearray(content)
    for place, byte in flips:
        damaged[place % len(damaged)] = byte
    try:
        value = read_pickle(bytes(damaged), "damaged")
    except ValueError:
        return
    assert isinstance(value, (np.ndarray, sp.csr_array, dict, list))


def test_the_real_files_need_no_other_instruction(planetoid_cache: Path) -> None:
    files = [f for f in (planetoid_cache / "planetoid").glob("ind.*") if f.suffix != ".index"]
    assert len(files) == 20
    for file in files:
        content = file.read_bytes()
        read = read_pickle(content, file.name)
        names = {a for o, a, _ in pickletools.genops(content) if o.name == "GLOBAL"}
        if file.suffix == ".graph":
            assert read == pickle.loads(content, encoding="latin1")
        else:
            assert "numpy ndarray" in names
            assert np.isfinite(read.sum())
