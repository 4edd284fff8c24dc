"""The methods that may be asked for, what each promises, and why one cannot be had somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .task import AttributionTask

INPUT = "input"


class Method(NamedTuple):
    """What a method of attribution is.

    source: its paper; at: where it can be asked for ("input", "layer"); signed: whether the sign
    says for or against the target; score: whether it is in units of the score, so that a sum can
    be held against the change of the score; rows: model evaluations for an example are many and
    grow with the units ("units"), fixed ("steps") or one ("one").
    """

    source: str
    at: tuple[str, ...]
    signed: bool
    score: bool
    rows: str


METHODS: Mapping[str, Method] = {
    "saliency": Method("arXiv:1312.6034", ("input",), False, False, "one"),
    "input_x_gradient": Method("arXiv:1605.01713", ("input", "layer"), True, True, "one"),
    "integrated_gradients": Method("arXiv:1703.01365", ("input", "layer"), True, True, "steps"),
    "gradient_shap": Method("arXiv:1705.07874", ("input",), True, True, "steps"),
    "deep_lift": Method("arXiv:1704.02685", ("input",), True, True, "one"),
    "feature_ablation": Method("arXiv:1311.2901", ("input",), True, True, "units"),
    "shapley_sampling": Method("doi:10.1016/j.cor.2008.04.004", ("input",), True, True, "units"),
    "occlusion": Method("arXiv:1311.2901", ("input",), True, True, "units"),
    "grad_cam": Method("arXiv:1610.02391", ("layer",), True, False, "one"),
    "random": Method("a control", ("input", "layer"), True, False, "one"),
}


def why_not(
    task: AttributionTask, method: str, layer: str, *, groups: int, n_samples: int, max_rows: int
) -> str:
    """Why a method cannot be had at a layer of a task; empty if it can.

    `groups` is the number of things that are taken away one by one, over all inputs.
    """
    what = METHODS[method]
    kinds = set(task.units.values())
    if layer == INPUT and "input" not in what.at:
        return f"{method} reads the channels of a layer; choose one"
    if layer != INPUT and "layer" not in what.at:
        return f"{method} is made for the input, not for a layer"
    if method == "grad_cam" and "pixel" not in kinds:
        return "grad_cam reads the channels of a convolution over pixels; there are no pixels here"
    if method == "occlusion" and kinds != {"pixel"}:
        return "occlusion slides a window over pixels; these inputs are not pixels alone"
    rows = groups * (n_samples if method == "shapley_sampling" else 1)
    if what.rows == "units" and rows > max_rows:
        return f"{method} takes {rows} evaluations for each example, more than max_rows={max_rows}"
    return ""
