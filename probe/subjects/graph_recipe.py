"""How a graph neural network is made and trained: sizes, optimiser, when to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from .._check import integer, number, one_of, refuse, refuse_type
from .geometric_models import GEOMETRIC_NAMES, GeometricGNN
from .graph_models import APPNP, GCN, SGC

GNN_NAMES = ("gcn", "appnp", "sgc", *GEOMETRIC_NAMES)
CRITERIA = ("weighted_f1", "macro_f1", "loss")


@dataclass(frozen=True)
class Recipe:
    """Sizes and training of a graph neural network; the defaults are ReNode's (arXiv:2110.04099).

    Attributes
    ----------
    hidden, n_layers, dropout
        Of the network.
    learning_rate, decay, decay_after
        Adam's rate, and the factor on it at each epoch after the first `decay_after`.
    weight_decay
        Of the first layer's parameters, as is usual since arXiv:1609.02907.
    epochs, least_epochs, patience
        Training ends after `epochs`, or once `patience` epochs brought no better validation, but
        not before `least_epochs`.
    criterion
        What is better: a higher ``"weighted_f1"`` or ``"macro_f1"`` of the validation nodes, or
        their lower ``"loss"`` (cross entropy). The best epoch's figures and weights are kept; of
        equal epochs the first.
    row_normalise
        Whether each node's features are divided by their sum. On Cora's words that makes this
        recipe stop short of a good fit: plain Weighted-F1 falls from 0.79 to 0.76, and ReNode then
        costs 0.03 instead of gaining 0.006.

    Raises
    ------
    TypeError, ValueError
        If a value is out of its range.

    Examples
    --------
    >>> Recipe(epochs=50).learning_rate
    0.0075
    """

    hidden: int = 32
    n_layers: int = 2
    dropout: float = 0.5
    learning_rate: float = 0.0075
    decay: float = 0.95
    decay_after: int = 20
    weight_decay: float = 5e-4
    epochs: int = 200
    least_epochs: int = 0
    patience: int = 20
    criterion: str = "weighted_f1"
    row_normalise: bool = False

    def __post_init__(self) -> None:
        for name in ("hidden", "n_layers", "epochs", "patience"):
            integer(name, getattr(self, name), low=1)
        for name in ("decay_after", "least_epochs"):
            integer(name, getattr(self, name), low=0)
        for name in ("learning_rate", "weight_decay"):
            number(name, getattr(self, name), low=0.0)
        number("dropout", self.dropout, low=0.0, high=1.0)
        number("decay", self.decay, low=0.0, high=1.0)
        one_of("criterion", self.criterion, CRITERIA)

    def rate_factor(self, done: int) -> float:
        """What the learning rate is multiplied by after `done` epochs."""
        return self.decay ** max(0, done - self.decay_after)

    def best(self, history: Mapping[str, list[float]]) -> int:
        """The best epoch so far, from 1; of equal ones the first."""
        values = np.asarray(history[f"valid_{self.criterion}"])
        return 1 + int(values.argmin() if self.criterion == "loss" else values.argmax())

    def ends(self, history: Mapping[str, list[float]]) -> bool:
        """Whether training is over."""
        done = len(history["loss"])
        waited = done - self.best(history) if done else 0
        return done >= self.epochs or (waited >= self.patience and done >= self.least_epochs)


Optimizing = Callable[[nn.Module, Recipe], torch.optim.Optimizer]


def adam(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Adam with weight decay on the first of the model's `layers` (on all of a model without)."""
    layers = getattr(model, "layers", None)
    first = list((layers[0] if isinstance(layers, nn.ModuleList) else model).parameters())
    known = {id(parameter) for parameter in first}
    rest = [p for p in model.parameters() if id(p) not in known]
    groups: Sequence[dict[str, Any]] = [
        {"params": first, "weight_decay": recipe.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    return torch.optim.Adam([g for g in groups if g["params"]], lr=recipe.learning_rate)


def make_gnn(
    name: str,
    n_features: int,
    n_labels: int,
    *,
    hidden: int = 32,
    n_layers: int = 2,
    dropout: float = 0.5,
    seed: int = 0,
) -> nn.Module:
    """A graph neural network: ``model(data)`` of a `GraphData` gives logits (node, label).

    Parameters
    ----------
    name
        ``"gcn"``, ``"appnp"``, ``"sgc"`` (torch alone); ``"gat"``, ``"sage"``, ``"cheb"`` (the
        extra ``[graph]``).
    n_features, n_labels
        Widths of what goes in and comes out.
    hidden, n_layers, dropout
        Width and number of layers, and the share of hidden units dropped; SGC has none of them.
    seed
        Of the initial weights; torch's global random state is left as it was.

    Raises
    ------
    ImportError
        If the model needs torch_geometric and it is not installed.
    TypeError, ValueError
        If the name is unknown or an option out of range.

    Examples
    --------
    >>> model = make_gnn("gcn", 5, 3, hidden=4)
    >>> [tuple(p.shape) for p in model.parameters()]
    [(5, 4), (4,), (4, 3), (3,)]
    """
    one_of("model", name, GNN_NAMES)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(integer("seed", seed, low=0))
        if name == "sgc":
            return SGC(n_features, n_labels)
        if name in ("gcn", "appnp"):
            kind = GCN if name == "gcn" else APPNP
            return kind(n_features, n_labels, hidden=hidden, n_layers=n_layers, dropout=dropout)
        return GeometricGNN(
            name, n_features, n_labels, hidden=hidden, n_layers=n_layers, dropout=dropout
        )


def gnn_of(
    model: str | nn.Module, n_features: int, n_labels: int, recipe: Recipe, seed: int
) -> nn.Module:
    """A model by its name in the recipe's sizes, or the user's own as it is.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if isinstance(model, nn.Module):
        return model
    if not isinstance(model, str):
        refuse_type("model", "be a name or a torch module", model)
    if model not in GNN_NAMES:
        refuse("model", f"be one of {', '.join(GNN_NAMES)}, or a torch module", repr(model))
    return make_gnn(
        model,
        n_features,
        n_labels,
        hidden=recipe.hidden,
        n_layers=recipe.n_layers,
        dropout=recipe.dropout,
        seed=seed,
    )
