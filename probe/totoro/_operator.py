"""The normalised adjacency that PageRank walks on, on the processor or any torch device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp

from .._check import one_of, refuse

Directed = Literal["refuse", "symmetrise", "exact"]


@dataclass(frozen=True, eq=False)
class Operator:
    """The graph as a linear map on blocks (node, column).

    Attributes
    ----------
    forward
        A_hat, scipy CSR or torch sparse CSR. Symmetric graphs have D^(-1/2) (A + I) D^(-1/2);
        directed ones the row-stochastic D^(-1) (A + I), which is similar to it.
    backward
        Its transpose; the same matrix for symmetric graphs.
    scale
        (node,) sqrt of the degrees D.
    symmetric
        Whether the graph is undirected.
    device
        Torch device, or None where scipy multiplies.
    """

    forward: Any
    backward: Any
    scale: np.ndarray
    symmetric: bool
    device: Any

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return len(self.scale)

    @property
    def dtype(self) -> np.dtype:
        """The type of numbers of all products."""
        if self.device is None:
            return self.forward.dtype
        return np.dtype(str(self.forward.dtype).removeprefix("torch."))

    @property
    def nnz(self) -> int:
        """Stored entries, the self-loops included."""
        return self.forward.nnz if self.device is None else int(self.forward.values().numel())

    def block(self, columns: sp.csc_array) -> Any:
        """Sparse columns as a dense block on the operator's device."""
        dense = np.ascontiguousarray(columns.toarray(), dtype=self.dtype)
        if self.device is None:
            return dense
        import torch

        return torch.from_numpy(dense).to(self.device)

    def scaled(self, block: Any, *, up: bool) -> Any:
        """Rows of a block times (up) or divided by the square roots of the degrees."""
        factor = (self.scale if up else 1.0 / self.scale).astype(self.dtype)[:, None]
        if self.device is None:
            return block * factor
        import torch

        return block * torch.from_numpy(factor).to(self.device)


def make_operator(
    adjacency: sp.csr_array, *, directed: str, dtype: str = "float64", device: Any = None
) -> Operator:
    """The operator of an adjacency matrix.

    Every node gets one self-loop: its own where it has one, else one of weight 1 (as the graph
    layers of torch_geometric do it; on a graph without self-loops this is the paper's A + I).

    Raises
    ------
    ValueError
        If the graph is directed and `directed` is ``"refuse"``, or an option is unknown.
    """
    one_of("directed", directed, ("refuse", "symmetrise", "exact"))
    one_of("dtype", dtype, ("float32", "float64"))
    looped = _with_loops(adjacency)
    one_way = _one_way(looped)
    if one_way and directed == "refuse":
        refuse(
            "edge_index",
            "hold every edge in both directions",
            f"a directed graph: {one_way} of {adjacency.nnz} edges have no equal counterpart",
            "Pass directed='symmetrise' to count each edge both ways, or directed='exact' to "
            "follow directions.",
        )
    if one_way and directed == "symmetrise":
        # An edge counts both ways with the larger of its two weights, so that a binary graph
        # stays binary.
        looped = sp.csr_array(looped.maximum(looped.T))
        one_way = 0
    degree = np.asarray(looped.sum(axis=1)).ravel()
    scale = np.sqrt(degree)
    rows = np.repeat(np.arange(len(degree)), np.diff(looped.indptr))
    if one_way:
        data = looped.data / degree[rows]
    else:
        data = looped.data / (scale[rows] * scale[looped.indices])
    matrix = sp.csr_array((data.astype(dtype), looped.indices, looped.indptr), shape=looped.shape)
    backward = sp.csr_array(matrix.T) if one_way else matrix
    if device is not None:
        matrix, backward = _on(device, matrix), _on(device, backward)
        backward = backward if one_way else matrix
    return Operator(matrix, backward, scale, not one_way, device)


def _with_loops(adjacency: sp.csr_array) -> sp.csr_array:
    missing = (adjacency.diagonal() == 0).astype(adjacency.dtype)
    looped = sp.csr_array(adjacency + sp.diags_array(missing, format="csr"))
    looped.sort_indices()
    if max(looped.nnz, len(missing)) < np.iinfo(np.int32).max:
        # Half the memory, and products are bound by memory.
        looped.indices = looped.indices.astype(np.int32)
        looped.indptr = looped.indptr.astype(np.int32)
    return looped


def _one_way(matrix: sp.csr_array) -> int:
    """How many stored edges have no counterpart of the same weight."""
    turned = sp.csr_array(matrix.T)
    turned.sort_indices()
    same = np.array_equal(turned.indptr, matrix.indptr) and np.array_equal(
        turned.indices, matrix.indices
    )
    if same and np.array_equal(turned.data, matrix.data):
        return 0
    # Sums in another order may differ in the last digit.
    if same and np.allclose(turned.data, matrix.data, rtol=1e-6, atol=0):
        return 0
    return int(sp.csr_array(abs(matrix - turned) > 1e-6 * matrix.maximum(turned)).nnz // 2)


def _on(device: Any, matrix: sp.csr_array) -> Any:
    import warnings

    import torch

    with warnings.catch_warnings():
        # Torch calls its CSR layout a beta feature once in each process.
        warnings.filterwarnings("ignore", message=".*[Ss]parse CSR.*")
        warnings.filterwarnings("ignore", message=".*[Ss]parse invariant checks.*")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data),
            size=matrix.shape,
            device=device,
        )
