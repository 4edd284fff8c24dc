"""What streamed moments refuse, and that a refused batch changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from probe import _rows
from probe.moments import Moments


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "bfloat16"])
def test_what_is_not_finite_is_refused_and_nothing_changes(
    bad: float, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_rows, "CHUNK_BYTES", 3 * 8 * 4)
    rows = torch.ones((10, 3), dtype=getattr(torch, kind))
    batch = rows if kind == "bfloat16" else rows.numpy()
    moments = Moments(3).update(batch)
    spoilt = rows.clone()
    spoilt[9, 1] = bad
    with pytest.raises(ValueError, match=r"`batch` must be finite .* at index \(9, 1\)"):
        moments.update(spoilt if kind == "bfloat16" else spoilt.numpy())
    assert moments.n == 10


def test_refused_batches() -> None:
    rows = np.ones((2, 3), np.float32)
    moments = Moments(3).update(rows)
    with pytest.raises(ValueError, match=r"`batch` must have 3 features; got shape \(2, 4\)"):
        moments.update(np.ones((2, 4), np.float32))
    with pytest.raises(ValueError, match=r"`batch` must have axes \(example, feature\)"):
        moments.update(np.ones(3, np.float32))
    with pytest.raises(ValueError, match="`batch` must be float32 like the rows before; got float"):
        moments.update(rows.astype(np.float64))
    with pytest.raises(ValueError, match="`batch` must be on cpu like the rows before; got meta"):
        moments.update(torch.ones(2, 3, device="meta"))
    with pytest.raises(TypeError, match=r"`batch` must be a numpy array or a torch tensor; got l"):
        moments.update([[1.0, 2.0, 3.0]])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"`batch` must hold one of float16, .*; got int64"):
        moments.update(np.ones((2, 3), np.int64))
    with pytest.raises(ValueError, match=r"`batch` must hold values below 1e\+140; got 1e\+200"):
        Moments(1).update(np.array([[1e200], [-1e200]]))
    assert moments.n == 2


def test_refused_construction_merge_and_state() -> None:
    with pytest.raises(ValueError, match="`dim` must be at least 1; got 0"):
        Moments(0)
    moments = Moments(2).update(np.ones((1, 2), np.float32))
    with pytest.raises(ValueError, match="`n` must be at least 2 for a covariance; got n_samples"):
        moments.covariance()
    with pytest.raises(ValueError, match="`n` must be at least 4"):
        moments.covariance(ddof=3)
    with pytest.raises(TypeError, match="`other` must be a Moments; got ndarray"):
        moments.merge(np.ones(2))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`other` must have dim 2; got 3"):
        moments.merge(Moments(3))
    with pytest.raises(ValueError, match="`other` must hold float32 rows; got float64"):
        moments.merge(Moments(2).update(np.ones((1, 2))))
    with pytest.raises(ValueError, match=r"`m2` must have shape \(2, 2\) as `mean` has"):
        Moments.from_arrays(3, np.zeros(2), np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"`mean` must have axes \(feature\)"):
        Moments.from_arrays(3, np.zeros((2, 2)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="`m2` must be finite everywhere"):
        Moments.from_arrays(3, np.zeros(2), np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="`dtype` must be one of float16"):
        Moments.from_arrays(3, np.zeros(2), np.zeros((2, 2)), dtype="int8")
    with pytest.raises(ValueError, match="`arrays` must hold n, mean, M2 and dtype; got no M2, me"):
        moments.load_state_dict({"n": np.array(1), "dtype": np.array(-1)})
    with pytest.raises(ValueError, match="`arrays` must be of vectors of length 2; got length 3"):
        moments.load_state_dict(Moments(3).state_dict())
