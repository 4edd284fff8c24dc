"""Long names, units and ranges of the results of ISD."""

from __future__ import annotations

from ..value._chosen import HELD_WORDING

_EACH = {
    "isd": ("symmetric matrix KL of word and region relations", "nat", "[0, inf)"),
    "permuted": ("mean of isd over all permutations of the links", "nat", "[0, inf)"),
    "gap": ("(permuted - isd) / permuted: 0 if links do not matter", "1", "(-inf, 1]"),
}
_P = "p-value, by permuted links, that isd is smaller than permuted"

WORDING: dict[str, tuple[str, str, str]] = {
    **{
        name: (f"{long}, mean over heads", unit, span) for name, (long, unit, span) in _EACH.items()
    },
    **{f"{name}_head": wording for name, wording in _EACH.items()},
    **{
        f"{name}{of}_interval": (f"bootstrap interval of {name}{of}, over pairs", unit, span)
        for name, (_, unit, span) in _EACH.items()
        for of in ("", "_head")
    },
    **{
        f"{name}_objects": (f"{name} of pairs with so many objects", "nat", "[0, inf)")
        for name in ("isd", "permuted")
    },
    **{name: HELD_WORDING[name] for name in ("chosen_layer", "chosen_head")},
    "p": (_P, "1", "(0, 1]"),
    "p_head": (f"{_P}, for one head", "1", "(0, 1]"),
    "p_head_corrected": ("p_head corrected for the number of heads (step-down)", "1", "(0, 1]"),
    "called_head": ("p_head_corrected at most 1 - level", "", ""),
    "entropy": ("mean entropy of relation rows over that of even rows", "1", "[0, 1]"),
    "n_objects": ("pairs with so many objects", "1", "[1, inf)"),
    "held_out": ("gap of the chosen head on the second half", "1", "(-inf, 1]"),
    "held_out_interval": ("bootstrap interval of held_out, over pairs", "1", "(-inf, 1]"),
    "held_out_null": ("what permuted links expect of held_out", "1", ""),
    "held_out_p": ("p-value of held_out: one head, chosen on other pairs", "1", "(0, 1]"),
    "pair_isd": ("isd of one pair, mean over heads", "nat", "[0, inf)"),
    "pair_permuted": ("permuted of one pair, mean over heads", "nat", "[0, inf)"),
    "pair_objects": ("objects of one pair", "1", "[2, inf)"),
    "n_pairs": ("pairs that were measured", "1", "[1, inf)"),
    "n_skipped": ("pairs with too few objects", "1", "[0, inf)"),
    "auc": ("probability that a matched pair has the smaller isd of two", "1", "[0, 1]"),
    "auc_gap": ("probability that a matched pair has the larger gap of two", "1", "[0, 1]"),
    "auc_gap_interval": ("bootstrap interval of auc_gap, over pairs", "1", "[0, 1]"),
    "auc_interval": ("bootstrap interval of auc, over pairs", "1", "[0, 1]"),
}
