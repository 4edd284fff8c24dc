"""STS evaluation: both protocols, paired bootstrap, fit sets, refusals."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.decomposition import PCA

from data.records import Corpus, SentencePairs
from probe.whitening import sts_evaluation


def make_pairs(n=40, seed=0, name="toy", subset=None, score=None, prefix="w"):
    rng = np.random.default_rng(seed)
    return SentencePairs(
        sentence1=tuple(f"{prefix}{i}" for i in range(n)),
        sentence2=tuple(f"{prefix}{i + n}" for i in range(n)),
        score=rng.integers(0, 6, n).astype(float) if score is None else np.asarray(score),
        subset=tuple(subset) if subset is not None else (name,) * n,
        name=name,
        attrs={},
    )


def encoder(d=6, layers=(0, 3), offset=3.0, calls=None):
    """A vector for each text that depends on the text alone."""

    def encode(texts):
        if calls is not None:
            calls.append(list(texts))
        rows = [np.random.default_rng(list(t.encode())).normal(size=d) + offset for t in texts]
        return {layer: np.stack(rows) * (1 + np.arange(d) * layer) for layer in layers}

    return encode


def cosines(x, y):
    return (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)


class TestEvaluation:
    def test_scores_equal_a_slow_reference(self):
        pairs = make_pairs()
        encode = encoder()
        ds = sts_evaluation(
            pairs, encode, transforms=["raw", "centre", "whiten"], fit_on="target", n_boot=20
        )
        for layer in (0, 3):
            x, y = (encode(list(side))[layer] for side in (pairs.sentence1, pairs.sentence2))
            both = np.vstack([x, y])
            mean = both.mean(0)
            values, vectors = np.linalg.eigh(np.cov(both.T))
            whiten = vectors / np.sqrt(values)
            expected = {
                "raw": cosines(x, y),
                "centre": cosines(x - mean, y - mean),
                "whiten": cosines((x - mean) @ whiten, (y - mean) @ whiten),
            }
            for name, cosine in expected.items():
                got = ds.spearman.sel(layer=layer, transform=name, protocol="all").item()
                assert got == pytest.approx(spearmanr(cosine, pairs.score)[0], abs=1e-9), name
        assert ds.attrs["probe"] == "whitening.sts"
        assert ds.spearman.dims == ("dataset", "layer", "transform", "protocol")
        assert ds.spearman_interval.dims[-1] == "bound"
        assert all(ds[v].attrs["long_name"] and ds[v].attrs["units"] == "1" for v in ds)

    def test_one_subset_makes_the_protocols_agree_and_two_do_not(self):
        # Two subsets whose scores are shifted against each other: Simpson's paradox.
        one = sts_evaluation(
            make_pairs(), encoder(), transforms=["raw"], fit_on="target", n_boot=20
        )
        assert (one.spearman.sel(protocol="all") == one.spearman.sel(protocol="wmean")).all()
        score = np.r_[np.arange(15.0), np.arange(25.0) + 100]
        two = sts_evaluation(
            make_pairs(subset=["a"] * 15 + ["b"] * 25, score=score),
            encoder(),
            transforms=["raw"],
            fit_on="target",
            n_boot=20,
        )
        pairs = make_pairs(score=score)
        states = encoder()([*pairs.sentence1, *pairs.sentence2])[3]
        cosine = cosines(states[:40], states[40:])
        parts = [spearmanr(cosine[r], score[r])[0] for r in (slice(0, 15), slice(15, 40))]
        got = two.spearman.sel(layer=3, protocol="wmean").item()
        assert got == pytest.approx((15 * parts[0] + 25 * parts[1]) / 40, abs=1e-12)
        assert got != two.spearman.sel(layer=3, protocol="all").item()

    def test_gain_is_paired(self):
        """A transform that changes no cosine gains exactly nothing, in every resample."""
        ds = sts_evaluation(
            make_pairs(),
            encoder(),
            transforms={"raw": "raw", "rotate": PCA(6, whiten=False), "whiten": "whiten"},
            fit_on="target",
            n_boot=50,
        )
        assert (ds.gain.sel(transform="raw") == 0).all()
        assert (ds.gain_interval.sel(transform="raw") == 0).all()
        whiten = ds.sel(transform="whiten")
        np.testing.assert_allclose(
            whiten.gain, whiten.spearman - ds.spearman.sel(transform="raw"), atol=1e-12
        )
        assert (
            whiten.gain_interval.sel(bound="low") < whiten.gain_interval.sel(bound="high")
        ).all()

    def test_no_gain_without_raw(self):
        ds = sts_evaluation(
            make_pairs(), encoder(), transforms=["centre"], fit_on="target", n_boot=5
        )
        assert "gain" not in ds

    def test_interval_covers_and_is_reproducible(self):
        call = {"transforms": ["raw", "whiten"], "fit_on": "target", "n_boot": 200}
        a = sts_evaluation(make_pairs(), encoder(), **call, seed=1)
        b = sts_evaluation(make_pairs(), encoder(), **call, seed=1)
        c = sts_evaluation(make_pairs(), encoder(), **call, seed=2)
        assert a.spearman_interval.equals(b.spearman_interval)
        assert not a.spearman_interval.equals(c.spearman_interval)
        assert (a.spearman_interval.sel(bound="low") < a.spearman).all()
        assert (a.spearman < a.spearman_interval.sel(bound="high")).all()

    def test_each_sentence_is_encoded_once(self):
        calls = []
        pairs = make_pairs(10)
        same = SentencePairs(
            sentence1=pairs.sentence1,
            sentence2=pairs.sentence1[::-1],
            score=pairs.score,
            subset=pairs.subset,
            name="same",
            attrs={},
        )
        ds = sts_evaluation(
            same, encoder(calls=calls), transforms=["raw"], fit_on="target", n_boot=5
        )
        assert ds.n_fit.item() == 20
        assert len(calls.pop()) == 10
        sts_evaluation(
            [pairs, same],
            encoder(calls=calls),
            transforms=["raw"],
            fit_on=("mine", ["w0", "other", "other"]),
            n_boot=5,
        )
        assert len(calls) == 1
        assert len(calls[0]) == len(set(calls[0])) == 21

    def test_fit_set_is_recorded_and_repeats_count(self):
        pairs = make_pairs(20)
        other = make_pairs(30, name="train", prefix="t")
        known = [f"t{i}" for i in range(60)]
        call = {"transforms": ["whiten"], "n_boot": 5}
        by_name = sts_evaluation(pairs, encoder(), fit_on=("train", known), **call)
        for fit_on in (
            {"train": known},
            other,
            Corpus(texts=tuple(known), topics=("x",) * 60, name="train", attrs={}),
        ):
            ds = sts_evaluation(pairs, encoder(), fit_on=fit_on, **call)
            np.testing.assert_array_equal(ds.spearman, by_name.spearman)
            assert (ds.attrs["fit_on"], ds.attrs["transductive"]) == ("train", 0)
            assert ds.n_fit.item() == 60
            assert ds.fit_overlap.item() == 0
        heavier = sts_evaluation(pairs, encoder(), fit_on=("t", known + known[:9] * 5), **call)
        assert (heavier.spearman != by_name.spearman).any()
        target = sts_evaluation(pairs, encoder(), fit_on="target", **call)
        assert (target.attrs["fit_on"], target.attrs["transductive"]) == ("target", 1)
        assert target.n_fit.item() == 40
        assert target.fit_overlap.item() == 1
        half = sts_evaluation(
            pairs, encoder(), fit_on=("half", [*known[:20], *pairs.sentence1]), **call
        )
        assert half.fit_overlap.item() == 0.5
        assert half.attrs["transductive"] == 0

    def test_several_sets_and_chosen_layers(self):
        ds = sts_evaluation(
            [make_pairs(), make_pairs(12, name="b", prefix="v")],
            encoder(layers=(0, 1, 2)),
            transforms=["raw"],
            layers=[2, 0],
            fit_on="target",
            n_boot=5,
        )
        assert ds.layer.values.tolist() == [2, 0]
        assert ds.dataset.values.tolist() == ["toy", "b"]
        assert ds.n_pairs.values.tolist() == [40, 12]

    def test_splits_of_one_set_are_told_apart(self):
        dev, test = make_pairs(), make_pairs(12, prefix="v")
        dev.attrs["split"], test.attrs["split"] = "dev", "test"
        call = {"transforms": ["raw"], "n_boot": 5}
        ds = sts_evaluation([dev, test], encoder(), fit_on=dev, **call)
        assert ds.dataset.values.tolist() == ["toy-dev", "toy-test"]
        assert ds.attrs["fit_on"] == "toy-dev"
        assert ds.attrs["transductive"] == 1
        one = sts_evaluation(test, encoder(), fit_on=dev, **call)
        assert one.dataset.values.tolist() == ["toy"]

    def test_netcdf(self, tmp_path):
        import xarray as xr

        ds = sts_evaluation(make_pairs(), encoder(), transforms=["raw"], fit_on="target", n_boot=5)
        ds.to_netcdf(tmp_path / "sts.nc", engine="h5netcdf")
        with xr.open_dataset(tmp_path / "sts.nc", engine="h5netcdf") as back:
            assert back.spearman.values.tolist() == ds.spearman.values.tolist()
            assert back.attrs["fit_on"] == "target"


class TestRefusals:
    def run(self, pairs=None, encode=None, **options):
        call = {"transforms": ["raw"], "fit_on": "target", "n_boot": 5} | options
        return sts_evaluation(make_pairs() if pairs is None else pairs, encode or encoder(), **call)

    def test_constant_gold(self):
        with pytest.raises(ValueError, match="subset 'toy' of toy` must have at least 3 pairs"):
            self.run(make_pairs(score=np.full(40, 2.5)))

    def test_constant_gold_in_a_subset(self):
        score = np.r_[np.arange(35.0), np.ones(5)]
        with pytest.raises(ValueError, match=r"subset 'b' .* got 5 pairs with scores \[1.0\]"):
            self.run(make_pairs(subset=["a"] * 35 + ["b"] * 5, score=score))

    def test_nan_gold(self):
        score = np.arange(40.0)
        score[3] = np.nan
        with pytest.raises(ValueError, match="finite"):
            self.run(make_pairs(score=score))

    def test_nan_embeddings(self):
        with pytest.raises(ValueError, match="must be finite everywhere"):
            self.run(encode=lambda texts: np.full((len(texts), 3), np.nan))

    def test_zero_vectors(self):
        def encode(texts):
            states = encoder()(texts)[0]
            states[4] = 0
            return states

        with pytest.raises(ValueError, match=r"toy, layer 0, transform 'raw'` must .*no zero vec"):
            self.run(encode=encode)

    def test_equal_cosines(self):
        with pytest.raises(ValueError, match="cosines of toy, layer 0, transform 'raw'` must vary"):
            self.run(encode=lambda texts: np.ones((len(texts), 3)))

    def test_wrong_number_of_rows(self):
        with pytest.raises(ValueError, match=r"must have 80 rows; got 79"):
            self.run(encode=lambda texts: np.ones((len(texts) - 1, 3)))

    def test_rank(self):
        with pytest.raises(ValueError, match=r"transform 'whiten-7' on layer 0: "):
            self.run(transforms=["whiten-7"])

    def test_types_and_names(self):
        with pytest.raises(TypeError, match="`pairs` must be SentencePairs or a sequence of them"):
            self.run([("a", "b")])
        with pytest.raises(ValueError, match="`pairs` must be one or several sets of different"):
            self.run([make_pairs(), make_pairs()])
        with pytest.raises(ValueError, match="`pairs` must be one or several"):
            self.run([])

    @pytest.mark.parametrize(
        "fit_on", ["train", {"a": ["x", "y"], "b": ["x", "y"]}, ("a", "text"), ("a", ["x"]), 3]
    )
    def test_fit_on(self, fit_on):
        with pytest.raises(ValueError, match=r"`fit_on` must be 'target', .* call once for each"):
            self.run(fit_on=fit_on)

    def test_transforms(self):
        with pytest.raises(TypeError, match="`transforms` must be a sequence of specs"):
            self.run(transforms="raw")
        with pytest.raises(ValueError, match="`transforms` must name each transform once"):
            self.run(transforms=["raw", "raw"])
        with pytest.raises(ValueError, match="`transforms` must name at least one transform"):
            self.run(transforms=[])
        with pytest.raises(ValueError, match="whitten"):
            self.run(transforms=["whitten"])
        with pytest.raises(TypeError, match=r"`transforms\['x'\]` must have fit and transform"):
            self.run(transforms={"x": 3})

    def test_layers_and_numbers(self):
        with pytest.raises(ValueError, match=r"`layers` must be some of \[0, 3\]; got \[1\]"):
            self.run(layers=[1])
        with pytest.raises(ValueError, match="`n_boot` must be at least 1"):
            self.run(n_boot=0)
        with pytest.raises(ValueError, match="`level` must"):
            self.run(level=1.5)
