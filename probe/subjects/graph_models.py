"""Graph neural networks in plain torch: GCN, APPNP and SGC."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from .._check import integer, number, refuse
from .graph_tensors import GraphData, SparseMatrix


class FeatureMap(nn.Module):
    """x W + b of dense or sparse features; Glorot weights and a zero bias.

    Examples
    --------
    >>> FeatureMap(3, 2)(torch.ones(5, 3)).shape
    torch.Size([5, 2])
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(n_out))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, features: Tensor | SparseMatrix) -> Tensor:
        """(node, n_out)."""
        return features @ self.weight + self.bias


class GraphConvolution(nn.Module):
    """A_hat x W + b (arXiv:1609.02907, eq. 2); Glorot weights and a zero bias."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(n_out))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, features: Tensor | SparseMatrix, adjacency: SparseMatrix) -> Tensor:
        """(node, n_out)."""
        # The narrow side first: A_hat then moves n_out columns, not n_in.
        return adjacency @ (features @ self.weight) + self.bias


class GCN(nn.Module):
    """Graph convolutions with ReLU and dropout between them (arXiv:1609.02907).

    Parameters
    ----------
    n_features, n_labels, hidden, n_layers
        Widths and number of layers.
    dropout
        Share of the hidden units that a training pass drops.

    Notes
    -----
    The paper drops input features as well; ReNode's set-up (arXiv:2110.04099), which is followed
    here, drops hidden units only.
    """

    def __init__(
        self, n_features: int, n_labels: int, *, hidden: int, n_layers: int, dropout: float
    ) -> None:
        super().__init__()
        widths = _widths(n_features, n_labels, hidden, n_layers)
        self.layers = nn.ModuleList(GraphConvolution(*pair) for pair in pairwise(widths))
        self.dropout = number("dropout", dropout, low=0.0, high=1.0)

    def forward(self, data: GraphData) -> Tensor:
        """Logits (node, label)."""
        states = self.layers[0](data.features, data.adjacency)
        for layer in self.layers[1:]:
            states = functional.dropout(states.relu(), self.dropout, self.training)
            states = layer(states, data.adjacency)
        return states


class APPNP(nn.Module):
    """A perceptron whose predictions walk the graph by personalised PageRank (arXiv:1810.05997).

        Z(0) = H = MLP(X),   Z(k+1) = (1 - alpha) A_hat Z(k) + alpha H

    Parameters
    ----------
    n_features, n_labels, hidden, n_layers, dropout
        Of the perceptron.
    alpha
        Restart probability, in (0, 1].
    n_steps
        K, steps of the walk; the limit of many is PPNP.

    Raises
    ------
    ValueError
        If `alpha` is not in (0, 1].
    """

    def __init__(
        self,
        n_features: int,
        n_labels: int,
        *,
        hidden: int,
        n_layers: int,
        dropout: float,
        alpha: float = 0.1,
        n_steps: int = 10,
    ) -> None:
        super().__init__()
        if not 0 < number("alpha", alpha) <= 1:
            refuse("alpha", "be in (0, 1]", alpha, "0.1 is APPNP's value.")
        widths = _widths(n_features, n_labels, hidden, n_layers)
        self.layers = nn.ModuleList(FeatureMap(*pair) for pair in pairwise(widths))
        self.dropout = number("dropout", dropout, low=0.0, high=1.0)
        self.alpha, self.n_steps = alpha, integer("n_steps", n_steps, low=0)

    def forward(self, data: GraphData) -> Tensor:
        """Logits (node, label)."""
        states = self.layers[0](data.features)
        for layer in self.layers[1:]:
            states = layer(functional.dropout(states.relu(), self.dropout, self.training))
        return propagate(states, data.adjacency, alpha=self.alpha, n_steps=self.n_steps)


class SGC(nn.Module):
    """A_hat^K X W + b: a linear classifier of smoothed features (arXiv:1902.07153).

    Parameters
    ----------
    n_features, n_labels
        Widths.
    n_steps
        K.

    Notes
    -----
    A_hat^K (X W) is computed, which is the same and moves n_labels columns instead of n_features.
    """

    def __init__(self, n_features: int, n_labels: int, *, n_steps: int = 2) -> None:
        super().__init__()
        self.classifier = FeatureMap(n_features, n_labels)
        self.layers = nn.ModuleList([self.classifier])
        self.n_steps = integer("n_steps", n_steps, low=0)

    def forward(self, data: GraphData) -> Tensor:
        """Logits (node, label)."""
        states = data.features @ self.classifier.weight
        for _ in range(self.n_steps):
            states = data.adjacency @ states
        return states + self.classifier.bias


def propagate(
    states: Tensor, adjacency: SparseMatrix, *, alpha: float = 0.1, n_steps: int = 10
) -> Tensor:
    """Z(K) of Z(k+1) = (1 - alpha) A_hat Z(k) + alpha Z(0), (node, ...) (arXiv:1810.05997, eq. 4).

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> alone = SparseMatrix(sp.eye_array(2))
    >>> propagate(torch.tensor([[1.0], [2.0]]), alone).ravel().tolist()
    [1.0, 2.0]
    """
    moved = states
    for _ in range(n_steps):
        moved = (1 - alpha) * (adjacency @ moved) + alpha * states
    return moved


def _widths(n_features: int, n_labels: int, hidden: int, n_layers: int) -> list[int]:
    integer("n_features", n_features, low=1)
    integer("n_labels", n_labels, low=2)
    integer("hidden", hidden, low=1)
    return [n_features, *[hidden] * (integer("n_layers", n_layers, low=1) - 1), n_labels]
