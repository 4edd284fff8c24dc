"""Mean and second moments of vectors, streamed: one pass, little memory, exact merging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._check import finite, integer, ndim, refuse, refuse_type
from ._rows import (
    DTYPES,
    add_squares,
    as_numpy,
    batch_centre,
    kind_of,
    known_dtype,
    wide_rows,
)
from ._symmetric import SymmetricSum

if TYPE_CHECKING:
    import torch


class Moments:
    """Count, mean and centred second moments of the rows seen so far, in float64.

    Each batch is centred on its own rounded mean c, multiplied once in the input's dtype (half
    precisions in float32; the first rows, up to 2e8 multiply-adds, in float64) and corrected for
    what the rounding of c left over: with the residuals x - c, their sum r and
    S = (x - c)'(x - c) over k rows, the mean is c + r/k and M2 = S - r r'/k. Batches are merged by
    Chan, Golub & LeVeque (1979, eq. 2.1b): M2 = M2_a + M2_b + delta delta' n_a n_b / (n_a + n_b).

    Relative error of the covariance in float32: below 1e-6 at any offset that float32 itself can
    hold (mean over standard deviation up to 1e4 tested). Cost: n d^2 multiply-adds in the
    input's dtype (half of that where BLAS has syrk), about d^2 numbers of memory and 9 MiB.
    Tensors on a CUDA device are summed there, in float64.

    Parameters
    ----------
    dim
        Length d of the vectors.

    Attributes
    ----------
    dim : int
        Length d of the vectors.
    n : int
        Rows seen.
    mean : numpy.ndarray
        (d,) float64.
    M2 : numpy.ndarray
        (d, d) float64, sum over rows of (x - mean)(x - mean)'; symmetric.
    dtype : str or None
        The dtype of the rows, such as "float32"; None before the first.

    Examples
    --------
    >>> moments = Moments(2).update(np.array([[0.0, 1.0], [2.0, 1.0]]))
    >>> moments.update(np.array([[4.0, 1.0]])).mean
    array([2., 1.])
    >>> moments.covariance()
    array([[4., 0.],
           [0., 0.]])
    """

    def __init__(self, dim: int) -> None:
        self.dim = integer("dim", dim, low=1)
        self.n = 0
        self.dtype: str | None = None
        self._device: str | None = None
        # numpy arrays, or float64 tensors where the rows live on a CUDA device.
        self._mean: Any = np.zeros(self.dim)
        self._m2 = SymmetricSum(self.dim)

    @property
    def mean(self) -> np.ndarray:
        """(d,) float64 mean of the rows seen; zeros before the first."""
        return as_numpy(self._mean).copy()

    @property
    def M2(self) -> np.ndarray:
        """(d, d) float64 sum of the centred outer products; zeros before the first row."""
        return self._m2.full()

    @classmethod
    def from_arrays(
        cls, n: int, mean: np.ndarray, m2: np.ndarray, *, dtype: str | None = None
    ) -> Moments:
        """Moments from a count, a mean (d,) and a sum of centred outer products (d, d).

        Raises
        ------
        ValueError
            If the shapes disagree or a value is not finite.
        """
        mean = finite("mean", np.array(mean, dtype=np.float64))
        m2 = finite("m2", np.array(m2, dtype=np.float64))
        ndim("mean", mean, ("feature",))
        if m2.shape != (len(mean), len(mean)):
            refuse("m2", f"have shape {(len(mean), len(mean))} as `mean` has", m2.shape)
        made = cls(len(mean))
        made.n, made._mean = integer("n", n, low=0), mean
        made._m2.add(m2)
        made.dtype = dtype if dtype is None else known_dtype(dtype)
        return made

    def update(self, batch: np.ndarray | torch.Tensor) -> Moments:
        """Take in the rows of a batch; a refused batch leaves the moments as they were.

        Parameters
        ----------
        batch
            (n, d) array or tensor, float16, bfloat16, float32 or float64; n may be 0.

        Returns
        -------
        Moments
            Itself.

        Raises
        ------
        TypeError
            If the batch is neither array nor tensor, or is not floating-point.
        ValueError
            If it has another width, dtype or device than before, or holds NaN or infinity.
        """
        dtype, device = kind_of("batch", batch)
        ndim("batch", batch, ("example", "feature"))
        if batch.shape[1] != self.dim:
            refuse("batch", f"have {self.dim} features", f"shape {tuple(batch.shape)}")
        if self.dtype not in (None, dtype):
            refuse("batch", f"be {self.dtype} like the rows before", dtype, "Cast it first.")
        if self._device not in (None, device):
            refuse("batch", f"be on {self._device} like the rows before", device, "Move it first.")
        if len(batch):
            centre = batch_centre(batch)
            if not isinstance(centre, np.ndarray) and isinstance(self._mean, np.ndarray):
                self._move_to(centre)
            mean = add_squares(batch, self._m2, centre, wide=wide_rows(self.dim, self.n))
            self._shift(len(batch), mean)
        self.dtype, self._device = dtype, device
        return self

    def merge(self, other: Moments) -> Moments:
        """Take in all rows that `other` has seen, as if they had come here.

        Raises
        ------
        TypeError
            If `other` is no Moments.
        ValueError
            If its rows have another width or dtype.
        """
        if not isinstance(other, Moments):
            refuse_type("other", "be a Moments", other)
        if other.dim != self.dim:
            refuse("other", f"have dim {self.dim}", other.dim)
        if self.dtype and other.dtype and self.dtype != other.dtype:
            refuse("other", f"hold {self.dtype} rows", other.dtype, "Cast the rows first.")
        if other.n:
            # Shards may come from several devices: the arriving one moves to where this one is.
            mean, m2 = other.mean, other.M2
            if not isinstance(self._mean, np.ndarray):
                mean, m2 = self._mean.new_tensor(mean), self._mean.new_tensor(m2)
            self._m2.add(m2)
            self._shift(other.n, mean)
        self.dtype = self.dtype or other.dtype
        return self

    def covariance(self, ddof: int = 1) -> np.ndarray:
        """(d, d) float64 covariance, M2 / (n - ddof); symmetric.

        Raises
        ------
        ValueError
            If fewer than 2 rows were seen, or no more than `ddof`.
        """
        least = max(2, integer("ddof", ddof, low=0) + 1)
        if self.n < least:
            refuse("n", f"be at least {least} for a covariance", f"n_samples = {self.n}")
        covariance = self.M2
        covariance /= self.n - ddof
        return covariance

    def state_dict(self) -> dict[str, np.ndarray]:
        """All that is known as numeric arrays: n, mean, M2 and the dtype's place in `DTYPES`."""
        code = -1 if self.dtype is None else DTYPES.index(self.dtype)
        return {
            "n": np.array(self.n, dtype=np.int64),
            "mean": self.mean,
            "M2": self.M2,
            "dtype": np.array(code, dtype=np.int64),
        }

    def load_state_dict(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on from a saved `state_dict`.

        Raises
        ------
        ValueError
            If an array is missing, or they belong to vectors of another length.
        """
        missing = {"n", "mean", "M2", "dtype"} - set(arrays)
        if missing:
            refuse("arrays", "hold n, mean, M2 and dtype", f"no {', '.join(sorted(missing))}")
        code = int(arrays["dtype"])
        dtype = DTYPES[code] if code >= 0 else None
        n = int(arrays["n"])
        read = Moments.from_arrays(n, arrays["mean"], arrays["M2"], dtype=dtype)
        if read.dim != self.dim:
            refuse("arrays", f"be of vectors of length {self.dim}", f"length {read.dim}")
        self.__dict__.update(read.__dict__)

    def _move_to(self, tensor: Any) -> None:
        """Keep the sums where a float64 tensor lives."""
        m2 = SymmetricSum(self.dim, tensor.new_zeros)
        m2.add(tensor.new_tensor(self.M2))
        self._mean, self._m2 = tensor.new_tensor(self._mean), m2

    def _shift(self, n: int, mean: Any) -> None:
        """Take in that n rows, whose squares about their own `mean` are added, had that mean."""
        total = self.n + n
        delta = mean - self._mean
        self._m2.add_outer(delta, self.n * n / total)
        self._mean = self._mean + delta * (n / total)
        self.n = total
