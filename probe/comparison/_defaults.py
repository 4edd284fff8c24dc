"""What is compared in the results of each probe unless the caller says otherwise: one table."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from .._check import one_of, refuse, refuse_type


class Compared(NamedTuple):
    """How results of one probe are compared.

    Attributes
    ----------
    variables
        The ones that a reader wants first; those that a result lacks are left out.
    pair_by
        Dim along which both results may hold the same units, "" if there is none.
    within
        Dims to average over before pairing, since their labels share a unit.
    per
        (variable, what it is a share of): a score's own scale is the model's, so that only shares
        of two models can be compared. The share is called ``<variable>_share``.
    """

    variables: tuple[str, ...]
    pair_by: str = ""
    within: tuple[str, ...] = ()
    per: tuple[tuple[str, str], ...] = ()


_PROBER = Compared(("accuracy", "selectivity", "control"))
_GEOMETRY = (
    *("average_cosine", "isoscore_corrected", "effective_rank", "uniformity"),
    *("twonn_dimension", "hubness_skew", "partition_isotropy"),
)
_FAITHFUL = Compared(
    ("infidelity_share", "sensitivity", "completeness_gap"),
    "example",
    per=(("infidelity", "change"),),
)
COMPARED = {
    "attribution.attribution": _FAITHFUL,
    "attribution.grid": _FAITHFUL,
    "isd.contrast": Compared(("pair_isd", "auc", "auc_gap"), "example"),
    "isd.isd": Compared(("isd", "gap", "isd_head", "gap_head", "held_out")),
    "isd.study": Compared(("recall", "accuracy", "isd", "gap"), "seed"),
    "lowrank.attributes": Compared(("share", "share_mean", "intended_mean"), "example"),
    "lowrank.locality": Compared(
        ("ratio_mean", "ratio_linear_mean", "transfer", "outside", "ratio"), "example", ("sign",)
    ),
    "lowrank.region_directions": Compared(
        ("spectrum_inside", "spectrum_outside", "ratio", "kept_effect")
    ),
    "totoro.imbalance": Compared(("totoro", "conflict_share", "weight", "class_conflict"), "node"),
    "totoro.map": Compared(("totoro", "conflict_rank"), "node"),
    "totoro.splits": Compared(("graph_totoro", "mean_conflict_share"), "split"),
    "totoro.study": Compared(("score",), "split", ("seed",)),
    "totoro.training": Compared(
        ("valid_weighted_f1", "test_weighted_f1", "valid_macro_f1", "test_macro_f1", "loss")
    ),
    "value.attention_prober": _PROBER,
    "value.coreference": Compared(("hit", "mass", "lift", "held_out")),
    "value.cross_modal": Compared(("probability", "share")),
    "value.embedding_prober": _PROBER,
    "value.fusion_degree": Compared(("nmi", "gap", "separability")),
    "value.head_ablation": Compared(("effect", "rank_correlation")),
    "value.linguistic": _PROBER,
    "value.modality_importance": Compared(("mass", "per_token")),
    "value.profile": Compared(
        (
            *("coreference.hit", "relations.auc", "cross_modal.probability"),
            *("modality_importance.mass", "modality_importance.per_token"),
        )
    ),
    "value.relations": Compared(("auc", "lift", "held_out")),
    "whitening.anisotropy": Compared(_GEOMETRY),
    "whitening.classification": Compared(("accuracy", "gain")),
    "whitening.contextuality": Compared(
        ("adjusted_similarity", "intra_sentence_similarity", "token_baseline")
    ),
    "whitening.effect": Compared(("average_cosine", "trustworthiness")),
    "whitening.film": Compared(("trustworthiness", "kept_neighbours")),
    "whitening.sts": Compared(("spearman", "gain")),
    "whitening.topics": Compared(("precision_at_k", "map_at_k", "gain")),
    "whitening.training": Compared((*_GEOMETRY, "precision_at_k", "loss")),
}

# Results that show examples one by one and measure nothing over them.
SHOWN = {
    "comparison.difference": "It is a comparison already: draw it with .viz.plot().",
    "comparison.series": "It is a comparison already: draw it with .viz.plot().",
    "isd.examples": "Compare results of probe.isd.isd.",
    "lowrank.attribution": "Its variables name coordinates of one latent. Compare localities.",
    "lowrank.edits": "Compare results of probe.lowrank.locality.",
    "value.examples": "Compare results of probe.value.profile.",
}


def probe_of(named: dict[str, Any]) -> str:
    """The one probe that made all the named results.

    Raises
    ------
    TypeError
        If one is no Dataset.
    ValueError
        If one does not say its probe, they differ in it, or such results show examples only.
    """
    for name, ds in named.items():
        if not isinstance(ds, xr.Dataset):
            refuse_type(name, "be a result, an xarray.Dataset", ds)
        if "probe" not in ds.attrs:
            hint = "Arithmetic drops attrs: keep them with xarray.set_options(keep_attrs=True)."
            refuse(f"{name}.attrs", "say which probe made it", "none", hint)
    found = {name: str(ds.attrs["probe"]) for name, ds in named.items()}
    first = next(iter(found.values()))
    for name, probe in found.items():
        if probe != first:
            wanted = f"come from the same probe as the first, {first}"
            refuse(name, wanted, probe, "Two measures of different kind have no difference.")
    if first in SHOWN:
        refuse(next(iter(found)), "hold a measure", f"a result of {first}", SHOWN[first])
    return first


def prepared(probe: str, ds: xr.Dataset) -> xr.Dataset:
    """The result with the shares that are compared in place of numbers on a model's own scale.

    Examples
    --------
    >>> ds = xr.Dataset({"infidelity": ("example", [2.0, 1.0]), "change": ("example", [8.0, 0.0])})
    >>> prepared("attribution.grid", ds).infidelity_share.values
    array([0.25,  nan])
    """
    for name, whole in COMPARED.get(probe, Compared(())).per:
        if name in ds and whole in ds:
            share = ds[name] / ds[whole].where(ds[whole] > 0)
            words = {"long_name": f"{name} as a share of the {whole}", "units": "1"}
            ds = ds.assign({f"{name}_share": share.transpose(*ds[name].dims).assign_attrs(words)})
    return ds


def compared_in(probe: str, results: list[xr.Dataset], wanted: Any) -> list[str]:
    """Names of the variables to compare: those wanted, else the probe's own that all hold.

    Of a probe without an entry these are all shared variables of floats that have an interval
    beside them, or, where none has, all shared variables of floats.

    Raises
    ------
    ValueError
        If there is none, or one wanted is not in all of the results.
    """
    known = [
        str(name)
        for name, values in results[0].data_vars.items()
        if all(name in each for each in results)
        and np.issubdtype(values.dtype, np.number)
        and not str(name).endswith("_interval")
    ]
    if wanted is not None:
        names = [wanted] if isinstance(wanted, str) else list(wanted)
        for name in names:
            one_of("variables", name, known)
        if not names:
            refuse("variables", "name at least one variable", "none")
        return names
    names = [name for name in COMPARED.get(probe, Compared(())).variables if name in known]
    floats = [name for name in known if np.issubdtype(results[0][name].dtype, np.floating)]
    names = names or [name for name in floats if f"{name}_interval" in results[0]] or floats
    if not names:
        held = ", ".join(map(str, results[0].data_vars)) or "nothing"
        refuse("a", "share a numeric variable with the others", f"variables {held}")
    return names
