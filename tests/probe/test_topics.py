"""Topic retrieval and the classification check: slow references, nulls, fit sets, refusals."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from probe.whitening import classification_check, topic_retrieval
from probe.whitening.neighbours import nearest, unit_rows


def topical(n=60, d=8, apart=2.0, offset=20.0, seed=0, n_topics=3):
    """Topics around their own centres, behind a large common offset."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % n_topics
    centres = rng.normal(size=(n_topics, d)) * apart
    rows = centres[codes] + rng.normal(size=(n, d)) + offset * np.eye(d)[0]
    return rows, [f"topic {c}" for c in codes]


class TestNeighbours:
    @pytest.mark.parametrize("memory", [1, 3000, 2**26])
    def test_equals_sorting_everything(self, memory):
        unit = unit_rows(np.random.default_rng(0).normal(size=(40, 5)))
        index, cosine = nearest(unit, 6, memory=memory)
        similar = unit @ unit.T
        np.fill_diagonal(similar, -np.inf)
        np.testing.assert_array_equal(index, np.argsort(-similar, axis=1)[:, :6])
        np.testing.assert_allclose(cosine, -np.sort(-similar, axis=1)[:, :6], atol=1e-12)

    def test_leaves_itself_out_even_among_duplicates(self):
        unit = unit_rows(np.ones((5, 3)))
        index, cosine = nearest(unit, 4)
        assert [sorted(row) for row in index] == [[j for j in range(5) if j != i] for i in range(5)]
        assert cosine.max() <= 1.0

    def test_unit_rows_far_from_one(self):
        for scale in (1e-30, 1e30):
            rows = np.array([[3.0, 4.0]], dtype=np.float32) * np.float32(scale)
            np.testing.assert_allclose(unit_rows(rows), [[0.6, 0.8]], rtol=1e-5)

    def test_refusals(self):
        with pytest.raises(ValueError, match="`k` must be between 1 and 4; got 5"):
            nearest(np.eye(5), 5)
        with pytest.raises(ValueError, match=r"no zero vector.* got 1 such rows, .* index 1"):
            unit_rows(np.array([[1.0, 0.0], [0.0, 0.0]]))
        with pytest.raises(ValueError, match=r"must have axes \(example, feature\)"):
            unit_rows(np.ones(3))


class TestRetrieval:
    def test_equals_a_slow_reference(self):
        rows, topics = topical()
        ds = topic_retrieval(rows, topics, transforms=["raw", "centre"], k=5, n_boot=20)
        names = np.array(topics)
        for transform, moved in {"raw": rows, "centre": rows - rows.mean(0)}.items():
            unit = moved / np.linalg.norm(moved, axis=1, keepdims=True)
            precision, average = [], []
            for i in range(len(rows)):
                near = [j for j in np.argsort(-(unit @ unit[i])) if j != i][:5]
                hits = names[near] == names[i]
                precision.append(hits.mean())
                at = [hits[: r + 1].mean() for r in range(5) if hits[r]]
                average.append(sum(at) / 5)
            got = ds.sel(layer=0, transform=transform)
            assert got.precision_at_k.item() == pytest.approx(np.mean(precision), abs=1e-12)
            assert got.map_at_k.item() == pytest.approx(np.mean(average), abs=1e-12)

    def test_whitening_finds_topics_behind_rogue_features(self):
        rng = np.random.default_rng(0)
        rows, topics = topical(120, apart=2.0, offset=0.0)
        # Two huge features that tell nothing: every cosine is theirs.
        rows[:, :2] += 100 * rng.normal(size=(120, 2))
        ds = topic_retrieval(rows, topics, transforms=["raw", "whiten"], k=5)
        gain = ds.sel(layer=0, transform="whiten")
        assert gain.gain.item() > 0.1
        assert gain.gain_interval.sel(bound="low").item() > 0
        assert gain.p_value.item() == 1 / 200
        assert ds.gain.sel(transform="raw").item() == 0

    def test_no_topics_no_finding(self):
        rows = np.random.default_rng(1).normal(size=(90, 6))
        ds = topic_retrieval(rows, ["a", "b", "c"] * 30, transforms=["raw"], k=4)
        assert ds.p_value.item() > 0.02
        # Each of the other 89 is equally likely: 29 of them share the topic.
        assert ds.chance.item() == pytest.approx(29 / 89, abs=0.01)
        low, high = ds.chance_interval.values.ravel()
        assert low < ds.precision_at_k.item() < high

    def test_chance_is_that_of_queries_alone(self):
        rows = np.random.default_rng(2).normal(size=(20, 6))
        topics = ["a"] * 10 + [f"lone {i}" for i in range(10)]
        ds = topic_retrieval(rows, topics, transforms=["raw"], k=4, n_permutations=400)
        assert ds.chance.item() == pytest.approx(9 / 19, abs=0.02)

    def test_permutations_give_uniform_p_values(self):
        p = [
            topic_retrieval(
                np.random.default_rng(s).normal(size=(24, 4)),
                ["a", "b"] * 12,
                transforms=["raw"],
                k=3,
                n_boot=2,
                n_permutations=19,
                seed=s,
            ).p_value.item()
            for s in range(60)
        ]
        assert 0.35 < np.mean(p) < 0.7
        assert np.mean(np.array(p) <= 0.1) < 0.25

    def test_memory_does_not_change_it(self):
        rows, topics = topical()
        call = {"transforms": ["whiten"], "k": 5, "n_boot": 10}
        a = topic_retrieval(rows, topics, **call)
        b = topic_retrieval(rows, topics, **call, memory=1)
        assert a.equals(b)

    def test_fit_on_another_corpus(self):
        rows, topics = topical()
        other = np.random.default_rng(5).normal(size=(200, 8)) * np.arange(1, 9)
        call = {"transforms": ["whiten"], "k": 5, "n_boot": 10}
        ds = topic_retrieval(rows, topics, **call, fit_on=("books", other))
        assert (ds.attrs["fit_on"], ds.attrs["transductive"]) == ("books", 0)
        assert ds.n_fit.item() == 200
        own = topic_retrieval(rows, topics, **call)
        assert (own.attrs["fit_on"], own.attrs["transductive"]) == ("target", 1)
        values, vectors = np.linalg.eigh(np.cov(other.T))
        moved = unit_rows((rows - other.mean(0)) @ (vectors / np.sqrt(values)))
        names = np.array(topics)
        hits = names[nearest(moved, 5)[0]] == names[:, None]
        assert ds.precision_at_k.item() == pytest.approx(hits.mean(), abs=1e-12)
        assert topic_retrieval(rows, topics, **call, fit_on=other).attrs["fit_on"] == "other"

    def test_a_lone_topic_is_no_query_but_stays_a_candidate(self):
        rows = np.array([[1.0, 0.0], [1.0, 0.1], [1.0, 0.05]])
        ds = topic_retrieval(rows, ["a", "a", "b"], transforms=["raw"], k=1)
        assert ds.n_queries.item() == 2
        assert ds.precision_at_k.item() == 0.0

    def test_average_precision_is_one_where_all_that_exist_come_first(self):
        angle = np.array([0.0, 0.1, 1.0, 1.1])
        rows = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        ds = topic_retrieval(rows, ["a", "a", "b", "b"], transforms=["raw"], k=2, n_boot=5)
        assert ds.map_at_k.item() == 1.0
        assert ds.precision_at_k.item() == 0.5

    def test_layers(self):
        rows, topics = topical()
        states = {0: rows, 1: rows * np.arange(1, 9)}
        ds = topic_retrieval(states, topics, transforms=["raw"], layers=[1], k=3, n_boot=5)
        assert ds.layer.values.tolist() == [1]
        assert ds.attrs["probe"] == "whitening.topics"
        assert all(ds[v].attrs["long_name"] for v in ds)

    def test_refusals(self):
        rows, topics = topical()
        with pytest.raises(ValueError, match="`topics` must have one entry for each of 60"):
            topic_retrieval(rows, topics[:-1])
        with pytest.raises(ValueError, match="`topics` must have a topic that occurs twice"):
            topic_retrieval(rows, [str(i) for i in range(60)])
        with pytest.raises(ValueError, match="`k` must be between 1 and 59"):
            topic_retrieval(rows, topics, k=60)
        with pytest.raises(ValueError, match="`fit_on` must hold layer 0"):
            topic_retrieval(rows, topics, fit_on={3: rows})
        with pytest.raises(ValueError, match="`fit_on` must have 8 features on layer 0"):
            topic_retrieval(rows, topics, fit_on=rows[:, :4])
        with pytest.raises(ValueError, match="`n_permutations` must be at least 1"):
            topic_retrieval(rows, topics, n_permutations=0)
        rows[2] = 0
        with pytest.raises(ValueError, match=r"layer 0, transform 'raw'` must .*zero vector"):
            topic_retrieval(rows, topics)


class TestClassification:
    def test_equals_scikit_learn_by_hand(self):
        rows, labels = topical(80, apart=0.7)
        ds = classification_check(rows, labels, transforms=["raw"], n_boot=20)
        names, codes = np.unique(labels, return_inverse=True)
        rng = np.random.default_rng(0)
        test = []
        for code in range(len(names)):
            own = rng.permutation(np.flatnonzero(codes == code))
            test += own[: round(len(own) / 2)].tolist()
        train = np.setdiff1d(np.arange(80), test)
        mean = rows[train].mean(0)
        scale = np.sqrt(rows[train].var(axis=0).mean())
        model = LogisticRegression(max_iter=2000).fit((rows[train] - mean) / scale, codes[train])
        right = model.predict((rows[test] - mean) / scale) == codes[test]
        assert ds.accuracy.item() == pytest.approx(right.mean())
        assert (ds.n_train.item(), ds.n_test.item()) == (len(train), len(test))

    def test_transforms_are_fitted_on_the_training_rows_alone(self):
        seen = []

        class Spy:
            def get_params(self, deep=True):
                return {}

            def fit(self, rows):
                seen.append(len(rows))
                return self

            def transform(self, rows):
                return rows

        rows, labels = topical(80)
        classification_check(rows, labels, transforms={"spy": Spy()}, n_boot=5, test_share=0.25)
        assert seen == [60]

    def test_majority_and_gain(self):
        rng = np.random.default_rng(0)
        labels = ["a"] * 60 + ["b"] * 20
        rows = rng.normal(size=(80, 4)) + 3
        ds = classification_check(rows, labels, transforms=["raw", "whiten"], n_boot=50)
        assert ds.majority.item() == 0.75
        assert (ds.gain.sel(transform="raw") == 0).all()
        gain = ds.accuracy.sel(transform="whiten") - ds.accuracy.sel(transform="raw")
        np.testing.assert_allclose(ds.gain.sel(transform="whiten"), gain, atol=1e-12)
        assert ds.attrs["probe"] == "whitening.classification"

    def test_whitening_can_hurt(self):
        """Classes far apart along few directions, little data: whitening lifts the noise."""
        rng = np.random.default_rng(0)
        labels = ["a", "b"] * 60
        rows = rng.normal(size=(120, 50))
        rows[:, 0] = 20 * (np.arange(120) % 2) + 5 * rng.normal(size=120)
        ds = classification_check(rows, labels, transforms=["raw", "whiten"])
        assert ds.gain.sel(transform="whiten").item() < -0.05
        assert ds.gain_interval.sel(transform="whiten", bound="high").item() < 0

    def test_refusals(self):
        rows, labels = topical()
        with pytest.raises(ValueError, match="`labels` must have one entry for each of 60"):
            classification_check(rows, labels[:-1])
        with pytest.raises(ValueError, match="`labels` must name at least 2 classes"):
            classification_check(rows, ["a"] * 60)
        with pytest.raises(ValueError, match="at least 2 rows; got 1 classes with one row: 'rare'"):
            classification_check(rows, [*labels[:-1], "rare"])
        with pytest.raises(ValueError, match=r"`test_share` must be in \(0, 1\); got 1.0"):
            classification_check(rows, labels, test_share=1.0)
        with pytest.raises(RuntimeError, match="not converged after 1 steps on layer 0"):
            classification_check(rows, labels, max_iter=1)
        with pytest.raises(ValueError, match="must vary over the training rows"):
            classification_check(np.ones((60, 3)), labels, transforms=["raw"])
