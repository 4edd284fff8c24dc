"""The model as it is measured: at rest, without gradients of weights, and left as it was."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def at_rest(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, weights without gradients and random states of our own inside.

    Modes, gradient flags and the global random states of torch and numpy are put back, also after
    an error. Dropout off and running statistics fixed: the score is then a function of its input.
    """
    modes = [(module, module.training) for module in model.modules()]
    flags = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    kept = np.random.get_state()  # noqa: NPY002 (captum draws from it)
    model.eval()
    try:
        with torch.random.fork_rng():
            for parameter, _ in flags:
                parameter.requires_grad_(False)
            with torch.enable_grad(), torch.inference_mode(False):
                yield
    finally:
        np.random.set_state(kept)  # noqa: NPY002
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
        for module, training in modes:
            module.training = training


def seeded(*seeds: int) -> None:
    """Seed torch's and numpy's global generators, which captum draws from; use inside `at_rest`."""
    number = int(np.random.SeedSequence([abs(s) for s in seeds]).generate_state(1)[0])
    torch.manual_seed(number)
    np.random.seed(number)  # noqa: NPY002


@contextmanager
def quiet() -> Iterator[None]:
    """Without captum's remarks that it sets hooks and asks for gradients."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting forward, backward hooks")
        warnings.filterwarnings("ignore", message="Input Tensor .* did not already require grad")
        warnings.filterwarnings("ignore", message=".*required_grads has been set automatically")
        warnings.filterwarnings("ignore", message="Internal batch size cannot be less")
        warnings.filterwarnings("ignore", message="Feature mask is missing some integers")
        yield
