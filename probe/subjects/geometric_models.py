"""Graph neural networks made of PyTorch Geometric's layers: GAT, GraphSAGE and ChebNet."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from .._check import integer, number, one_of, refuse
from .graph_tensors import GraphData

HEADS = 8
GEOMETRIC_NAMES = ("gat", "sage", "cheb")


class GeometricGNN(nn.Module):
    """Layers of PyTorch Geometric with an activation and dropout between them.

    Parameters
    ----------
    name
        ``"gat"`` (arXiv:1710.10903): 8 heads of hidden/8, ELU, attention dropped too; one head in
        the last layer. ``"sage"`` (arXiv:1706.02216): mean of the neighbours, ReLU. ``"cheb"``
        (arXiv:1606.09375): polynomials of K = 2 terms, ReLU.
    n_features, n_labels, hidden, n_layers
        Widths and number of layers.
    dropout
        Share of the hidden units that a training pass drops.

    Raises
    ------
    ImportError
        If torch_geometric is not installed.
    ValueError
        If an option is out of range, or `hidden` is no multiple of GAT's 8 heads. While it runs:
        if the graph's edges have weights and the layers cannot read them (GAT, GraphSAGE).

    Notes
    -----
    The layers take dense features: memory is node x feature x 4 bytes.
    """

    def __init__(
        self,
        name: str,
        n_features: int,
        n_labels: int,
        *,
        hidden: int,
        n_layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.kind = one_of("name", name, GEOMETRIC_NAMES)
        self.dropout = number("dropout", dropout, low=0.0, high=1.0)
        integer("n_layers", n_layers, low=1)
        if name == "gat" and hidden % HEADS:
            refuse("hidden", f"be a multiple of GAT's {HEADS} heads", hidden)
        widths = [n_features, *[hidden] * (n_layers - 1), n_labels]
        self.layers = nn.ModuleList(
            _layer(name, a, b, dropout, last=i == n_layers - 1)
            for i, (a, b) in enumerate(pairwise(widths))
        )

    def forward(self, data: GraphData) -> Tensor:
        """Logits (node, label)."""
        edges: tuple[Any, ...] = (data.edge_index,)
        if data.edge_weight is not None:
            if self.kind != "cheb":
                hint = "Take gcn, appnp, sgc or cheb, or drop the graph's weights."
                refuse("model", "read the weights of the graph's edges", repr(self.kind), hint)
            edges += (data.edge_weight,)
        states = self.layers[0](data.dense_features(), *edges)
        for layer in self.layers[1:]:
            states = functional.elu(states) if self.kind == "gat" else states.relu()
            states = layer(functional.dropout(states, self.dropout, self.training), *edges)
        return states


def _layer(name: str, n_in: int, n_out: int, dropout: float, *, last: bool) -> nn.Module:
    try:
        from torch_geometric.nn import ChebConv, GATConv, SAGEConv
    except ImportError as error:
        raise ImportError(
            f"{name!r} is made of torch_geometric's layers: pip install 'loupe[graph]'. "
            "'gcn', 'appnp' and 'sgc' need torch alone."
        ) from error
    if name == "gat":
        heads = 1 if last else HEADS
        return GATConv(n_in, n_out // heads, heads=heads, dropout=dropout)
    return SAGEConv(n_in, n_out) if name == "sage" else ChebConv(n_in, n_out, K=2)
