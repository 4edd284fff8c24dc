"""Look inside a model while it runs: attention weights, values and outputs of the modules named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from torch import nn

from .._check import number, one_of, refuse
from .attention_call import AttentionKind
from .attention_kinds import attention_kind
from .attention_visibility import hooks_seen, weights_seen
from .captured import Activations, Captured, Target, kept, targets
from .module_paths import Selected, Selector, select_modules
from .recorder import Plan, Recorder

WHAT = ("pattern", "value", "output")


@contextmanager
def capture(
    model: nn.Module,
    paths: Selector | Iterable[Selector],
    what: str | Sequence[str] = WHAT,
    *,
    verify: bool = True,
    tolerance: float | None = None,
    detach: bool = True,
    to: Target | tuple[Target, ...] = None,
    kinds: Sequence[AttentionKind] = (),
) -> Iterator[Activations]:
    """What the named modules of a model compute while the block is open, and nothing else.

    Parameters
    ----------
    model : torch.nn.Module
        Any module; not compiled or scripted.
    paths : str, callable, or iterable of these
        Paths of `model.named_modules()`: exact, globs whose ``*`` stays between two dots and whose
        ``**`` does not, or ``(path, module) -> bool``, such as `attention_kinds.is_attention`.
    what : {"pattern", "value", "output"} or several
        ``pattern``: attention weights, (batch, head, query, key), rows over keys; those in use, so
        after dropout in training mode. ``value``: (batch, head, key, d_head), repeated where heads
        share them. An unbatched call has batch 1. ``output``: what the module returns, in the
        module's own layout: of attention the hidden state alone, of any other module all of it.
        Modules that are no attention have ``output`` only.
    verify : bool
        Check in every call from which weights or values are kept that weights times values, through
        the output projection, are the module's own output. `Activations.residuals` has the result.
    tolerance : float, optional
        Largest difference allowed, over the largest own output. Default 1e-5, or 4 roundings of the
        coarsest dtype involved where that is more (bfloat16: 0.03).
    detach : bool
        True: copies without gradient. False: the tensors themselves, with their graph; the caller
        sees to it that nothing writes into them in place.
    to : device, dtype, or tuple of the two, optional
        Where to keep what was captured. A dtype applies to floating tensors.
    kinds : sequence of AttentionKind
        More kinds of attention, tried before the known ones.

    Yields
    ------
    Activations
        Mapping path -> `Captured`, mapping what -> tensor; a list of tensors, one per call, where a
        module ran several times in the block. Filled while the block runs, readable after it.

    Raises
    ------
    TypeError, ValueError
        For arguments that name no module, no kind of attention, or no way to capture.
    RuntimeError
        If a module gives no weights, if its weights do not reproduce its output, or if at a regular
        exit a selector's modules have not run.

    Notes
    -----
    The model computes what it would without the capture: callers of a module get what they asked
    for, to rounding (1e-5), because a fused kernel is replaced by plain operations. Three things do
    differ. In training mode dropout draws other random numbers. `nn.TransformerEncoder`'s fast path
    writes zeros at padded positions, plain operations do not. Transformers models give other
    numbers at queries that a mask leaves without any key.

    On any exit hooks are gone and settings are back; training mode and ``requires_grad`` are not
    touched. Captures nest and overlap, on one model too. Works under ``no_grad``,
    ``inference_mode`` and autocast. Use one thread: the fast path is a switch of the process, and
    calls of the model by other threads are recorded as well. A checkpointed module that runs again
    in ``backward()`` counts as another call.

    Cost: one copy of what is kept; with `verify`, one product of weights and values and one output
    projection a call.

    Examples
    --------
    >>> import torch
    >>> layer = nn.TransformerEncoderLayer(8, nhead=2, dim_feedforward=16, batch_first=True).eval()
    >>> with capture(layer, "self_attn", ("pattern", "value")) as acts:
    ...     _ = layer(torch.ones(1, 3, 8))
    >>> acts["self_attn"]["pattern"].shape, acts["self_attn"]["value"].shape
    (torch.Size([1, 2, 3, 3]), torch.Size([1, 2, 3, 4]))
    >>> with capture(layer, "linear*", "output") as acts:
    ...     _ = layer(torch.ones(1, 3, 8))
    >>> acts
    Activations of 2 modules
      linear1  output (1, 3, 16)
      linear2  output (1, 3, 8)
    """
    wanted = _wanted(what)
    selected = select_modules(model, paths)
    chosen = {path: module for each in selected for path, module in each.modules.items()}
    found = {path: attention_kind(module, kinds) for path, module in chosen.items()}
    weights = "pattern" in wanted or "value" in wanted
    if weights:
        for path, kind in found.items():
            _require_kind(path, chosen[path], kind, kinds, wanted, check=verify)
    if tolerance is not None:
        tolerance = number("tolerance", tolerance, low=0.0)
    places = targets(to)
    plan = Plan(
        what=wanted,
        check=verify and weights,
        tolerance=tolerance,
        keep=lambda value: kept(value, detach=detach, to=places),
    )
    acts = Activations({path: Captured(path, wanted) for path in chosen})
    with ExitStack() as stack:
        stack.enter_context(hooks_seen(model))
        if weights:
            acts.notes += stack.enter_context(weights_seen(model))
        for path, module in chosen.items():
            Recorder(path, found[path], plan, acts).attach(module, stack)
        yield acts
    _require_run(selected, acts)


def _wanted(what: str | Sequence[str]) -> tuple[str, ...]:
    """What is asked for, each once, in the order of `WHAT`."""
    given = (what,) if isinstance(what, str) else tuple(what)
    for each in given:
        one_of("what", each, WHAT)
    if not given:
        refuse("what", f"name at least one of {', '.join(WHAT)}", "nothing")
    return tuple(each for each in WHAT if each in given)


def _require_kind(
    path: str,
    module: nn.Module,
    kind: AttentionKind | None,
    kinds: Sequence[AttentionKind],
    wanted: tuple[str, ...],
    *,
    check: bool,
) -> None:
    """Refuse a module whose weights or values cannot be seen or, with `check`, proven."""
    name = f"{path!r} ({type(module).__name__})"
    if kind is None:
        below = [
            f"{path}.{inner}" if path else inner
            for inner, part in module.named_modules()
            if inner and attention_kind(part, kinds) is not None
        ]
        hint = (
            f"Attention inside it: {', '.join(map(repr, below[:6]))}."
            if below
            else "For other modules capture 'output' alone; if this is attention, describe it with "
            "`kinds=[projected_attention(...)]` or `kinds=[AttentionKind(...)]`."
        )
        refuse("paths", "name attention that can be seen, for its pattern and value", name, hint)
    if kind.value is None and "value" in wanted:
        refuse("kinds", "say what `value` is where values are asked for", f"{kind.name!r}")
    if check and (kind.value is None or kind.project is None):
        refuse(
            "kinds",
            "have `value` and `project`, to prove the weights",
            f"{kind.name!r} for {name}",
            "Pass `verify=False` to take its weights unproven.",
        )
    for inner in kind.watched(module):
        if inner not in dict(module.named_modules()):
            refuse("kinds", "watch submodules that exist", f"{kind.name!r}: {inner!r} of {name}")


def _require_run(selected: Sequence[Selected], acts: Activations) -> None:
    """Refuse to end with a selector that gave nothing: a hole in the result, not a result."""
    for selector, modules in selected:
        if not any(path in acts for path in modules):
            named = ", ".join(repr(path) for path in list(modules)[:6])
            raise RuntimeError(
                f"nothing was captured for {selector}: {named} did not run, or failed, inside the "
                "capture. Call the model in the `with` block; a parent may also read a module's "
                "weights without calling it."
            )
