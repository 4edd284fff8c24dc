"""The series behind Totoro: coefficients, the promised error, chunks, threads, devices."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from probe.totoro import _recurrence, estimate, topology_imbalance
from probe.totoro._operator import make_operator
from probe.totoro._propagation import plan, propagate
from probe.totoro._reading import read_adjacency
from probe.totoro._series import chebyshev, neumann_length

X = np.linspace(-1, 1, 2001)


@given(st.floats(0.01, 0.99), st.sampled_from([1e-2, 1e-6, 1e-12]))
def test_the_series_is_the_function_within_its_bound(alpha: float, tol: float) -> None:
    series = chebyshev(alpha, tol)
    b = 1 - alpha
    evaluate = np.polynomial.chebyshev.chebval
    twice = np.abs(evaluate(X, series.twice) - alpha**2 / (1 - b * X) ** 2).max()
    assert twice <= series.bound + 1e-13 / alpha
    assert series.bound <= tol
    # P converges faster than P^2: the bound holds for it too.
    once = np.abs(evaluate(X, series.once) - alpha / (1 - b * X)).max()
    assert once <= series.bound + 1e-13 / alpha


def test_the_bound_is_no_larger_than_it_must_be() -> None:
    # At x = 1 all terms add up: the error is the bound itself.
    series = chebyshev(0.15, 1e-6)
    error = 1 - np.polynomial.chebyshev.chebval(1.0, series.twice)
    assert error == pytest.approx(series.bound, rel=1e-6)
    assert chebyshev(0.15, series.bound * 1.0001).twice.size == series.twice.size


def test_one_product_fewer_would_miss_the_tolerance() -> None:
    for tol in (1e-3, 1e-6):
        size = chebyshev(0.15, tol).twice.size
        assert chebyshev(0.15, tol * 3).twice.size < size


def test_alpha_one_needs_no_product() -> None:
    series = chebyshev(1.0, 1e-6)
    assert series.twice.tolist() == [1.0]
    assert series.bound == 0.0
    assert neumann_length(1.0, 1e-6, 5.0) == 0


def test_alpha_beside_one_is_no_trap() -> None:
    series = chebyshev(1 - 1e-16, 1e-6)
    assert np.isfinite(series.twice).all()
    assert series.twice[0] == pytest.approx(1.0)


def test_the_walks_left_out_mass_is_below_the_tolerance() -> None:
    steps = neumann_length(0.15, 1e-6, 4.0)
    assert 2 * 4 * 0.85 ** (steps + 1) <= 1e-6 < 2 * 4 * 0.85**steps


def random_graph(n: int = 200, seed: int = 0) -> sp.csr_array:
    rng = np.random.default_rng(seed)
    edges = rng.integers(n, size=(2, 3 * n))
    return read_adjacency(np.concatenate([edges, edges[::-1]], axis=1), num_nodes=n)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("columns", [1, 5, 12])
def test_any_chunking_gives_the_same(directed: bool, columns: int) -> None:
    adjacency = random_graph()
    if directed:
        adjacency = sp.csr_array(sp.triu(adjacency))
    operator = make_operator(adjacency, directed="exact")
    seeds = sp.csc_array(sp.random_array((200, 12), density=0.1, rng=np.random.default_rng(1)))
    whole = plan(operator, 12, alpha=0.15, tol=1e-8, memory_limit=1 << 30)
    assert whole.chunks == 1
    (chunk,) = propagate(operator, seeds, whole, alpha=0.15)
    small = 5 * 200 * 8 * columns
    how = plan(operator, 12, alpha=0.15, tol=1e-8, memory_limit=small)
    assert how.width <= columns
    chunks = list(propagate(operator, seeds, how, alpha=0.15))
    assert len(chunks) == how.chunks == -(-12 // how.width)
    np.testing.assert_allclose(
        np.hstack([c.exposure for c in chunks]), chunk.exposure, rtol=1e-12, atol=1e-18
    )


@pytest.mark.parametrize("directed", [False, True])
def test_rows_in_many_parts_on_many_threads_give_the_same(
    directed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    adjacency = random_graph()
    if directed:
        adjacency = sp.csr_array(sp.triu(adjacency))
    whole = topology_imbalance(adjacency, *labelled(), directed="exact")
    monkeypatch.setattr(_recurrence, "_TASK", 300)
    parts = _recurrence.parts_of(adjacency, 4)
    assert len(parts) > 5
    stacked = sp.vstack([part.matrix for part in parts])
    assert abs(stacked - adjacency).max() == 0
    assert [part.rows.start for part in parts[1:]] == [part.rows.stop for part in parts[:-1]]
    split = topology_imbalance(adjacency, *labelled(), directed="exact")
    np.testing.assert_array_equal(split.exposure, whole.exposure)
    np.testing.assert_array_equal(split.influence, whole.influence)


def test_an_error_in_one_part_is_not_lost() -> None:
    def fail(part: _recurrence.Part) -> None:
        raise RuntimeError(f"rows {part.rows.start}")

    parts = [_recurrence.Part(slice(i, i + 1), None) for i in range(3)]
    for most in (1, 3):
        with (
            pytest.raises(RuntimeError, match="rows 0"),
            _recurrence.workers(most) as each,
        ):
            each(fail, parts)


def labelled(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return rng.integers(4, size=n), rng.choice(n, size=60, replace=False)


@pytest.mark.parametrize("directed", [False, True])
def test_torch_computes_the_same_as_scipy(directed: bool) -> None:
    adjacency = random_graph()
    if directed:
        adjacency = sp.csr_array(sp.triu(adjacency))
    options = {"directed": "exact", "tol": 1e-8}
    scipy = topology_imbalance(adjacency, *labelled(), **options)
    torch = topology_imbalance(adjacency, *labelled(), **options, device="cpu")
    np.testing.assert_allclose(torch.exposure, scipy.exposure, rtol=1e-10, atol=1e-16)
    np.testing.assert_allclose(torch.influence, scipy.influence, rtol=1e-10, atol=1e-16)


def test_float32_is_near_float64() -> None:
    wide = topology_imbalance(random_graph(), *labelled())
    narrow = topology_imbalance(random_graph(), *labelled(), dtype="float32")
    assert narrow.exposure.dtype == np.float32
    scale = float(wide.conflict.max())
    assert float(abs(wide.conflict - narrow.conflict).max()) < 3e-6 * scale
    torch = topology_imbalance(random_graph(), *labelled(), dtype="float32", device="cpu")
    assert torch.exposure.dtype == np.float32


def test_the_estimate_is_of_the_run() -> None:
    found = estimate(random_graph(), n_labels=4, tol=1e-6)
    ds = topology_imbalance(random_graph(), *labelled())
    assert found.products == ds.attrs["products"] == 27
    assert found.chunks == 1
    assert 0 < found.seconds < 1
    assert found.bytes >= 3 * ds.exposure.nbytes + 5 * ds.exposure.nbytes
    narrow = estimate(random_graph(), n_labels=4, memory_limit=5 * 200 * 8)
    assert narrow.chunks == 4
    assert narrow.bytes < found.bytes


def test_a_bar_is_shown_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    topology_imbalance(random_graph(), *labelled(), progress=False)
    assert capsys.readouterr().err == ""
    topology_imbalance(random_graph(), *labelled(), progress=True)
    assert "totoro" in capsys.readouterr().err
