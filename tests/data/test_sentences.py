from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data import STS_NAMES, SentencePairs, load_sts, read_sentence_pairs, registry

# Cer et al. 2017, table 11; Agirre et al. 2012-2016 without SMT of 2013; Marelli et al. 2014.
PAIRS = {
    ("stsb", "train"): 5749,
    ("stsb", "dev"): 1500,
    ("stsb", "test"): 1379,
    ("sts12", "test"): 3108,
    ("sts13", "test"): 1500,
    ("sts14", "test"): 3750,
    ("sts15", "test"): 3000,
    ("sts16", "test"): 1186,
    ("sickr", "train"): 4500,
    ("sickr", "trial"): 500,
    ("sickr", "test"): 4927,
}
HEADER = "subset\tscore\tsentence1\tsentence2\n"


@pytest.mark.parametrize(("name", "split"), list(PAIRS), ids=["-".join(key) for key in PAIRS])
def test_every_dataset_has_its_published_number_of_pairs(
    name: str, split: str, sts_cache: Path
) -> None:
    pairs = load_sts(name, split)
    assert isinstance(pairs, SentencePairs)
    assert len(pairs) == PAIRS[name, split]
    assert pairs.name == name
    assert pairs.attrs["split"] == split
    low, high = (1, 5) if name == "sickr" else (0, 5)
    assert pairs.score.min() == low
    assert pairs.score.max() == high
    source = registry.SOURCES[name if name[3:].isdigit() else f"{name}-{split}"]
    assert pairs.attrs["sha256"] == source.sha256
    assert pairs.attrs["licence"] == source.licence


def test_every_file_is_present_in_the_cache_folder(sts_cache: Path) -> None:
    ours = [name for name, s in registry.SOURCES.items() if s.filename.startswith("sts/")]
    assert {registry.status(name) for name in ours} == {"present"}
    assert len(ours) == len(PAIRS)


def test_the_default_split_is_the_one_of_the_published_tables(sts_cache: Path) -> None:
    for name in STS_NAMES:
        assert len(load_sts(name)) == PAIRS[name, "test"]


def test_known_rows_come_out_as_they_are(sts_cache: Path) -> None:
    pairs = load_sts("stsb", "test")
    assert pairs.sentence1[0] == "A girl is styling her hair."
    assert pairs.sentence2[0] == "A girl is brushing her hair."
    assert pairs.score[:4].tolist() == [2.5, 3.6, 5.0, 4.2]
    years = load_sts("sts12")
    sizes = {part: years.subset.count(part) for part in dict.fromkeys(years.subset)}
    assert sizes == {
        "MSRpar": 750,
        "MSRvid": 750,
        "SMTeuroparl": 459,
        "surprise.OnWN": 750,
        "surprise.SMTnews": 399,
    }
    # A line that opens with a quotation mark and does not close it.
    assert load_sts("sts14").sentence1[1] == '" then the captain was gone .'


def test_a_corrupt_cache_file_is_an_error(sts_cache: Path) -> None:
    path = sts_cache / "sts" / "sts16.tsv"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match=r"sts16\.tsv of dataset 'sts16' is corrupt or truncated"):
        load_sts("sts16")


def test_unknown_names_and_splits_list_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"`name` must be one of 'stsb', 'sts12', .*; got 'sts11'"):
        load_sts("sts11")
    with pytest.raises(ValueError, match="`split` must be one of 'test' for 'sts12'; got 'dev'"):
        load_sts("sts12", "dev")
    with pytest.raises(ValueError, match="one of 'train', 'trial', 'test' for 'sickr'; got 'dev'"):
        load_sts("sickr", "dev")


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "mine.tsv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    text = HEADER + 'x\t0\t"a\tb"\r\ny\t5e0\tc "d" e\tf\x0bg\u2028h\n'
    pairs = read_sentence_pairs(write(tmp_path, text))
    assert pairs.name == "mine"
    assert pairs.attrs == {"source": "mine.tsv"}
    assert pairs.sentence1 == ('"a', 'c "d" e')
    assert pairs.sentence2 == ('b"', "f\x0bg\u2028h")
    np.testing.assert_array_equal(pairs.score, [0.0, 5.0])
    assert read_sentence_pairs(str(tmp_path / "mine.tsv"), name="other").name == "other"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "x\t1\ta\tb\nx\t1\ta\n", r"mine\.tsv, line 3: a row must hold 4 fields .* got 3"),
        (HEADER + "x\t1\ta\tb\tc\n", r"mine\.tsv, line 2: a row must hold 4 fields .* got 5"),
        (HEADER + "\nx\t1\ta\tb\n", "line 2: a row must hold 4 fields between tabs; got 1"),
        (HEADER + "x\thigh\ta\tb\n", "line 2: score must be a finite number; got 'high'"),
        (HEADER + "x\tnan\ta\tb\n", "line 2: score must be a finite number; got 'nan'"),
        (HEADER + "x\t1\t \tb\n", "line 2: sentence1 must not be blank"),
        (HEADER + "\t1\ta\tb\n", "line 2: subset must not be blank"),
        ("x\t1\ta\tb\n", r"mine\.tsv, line 1: the header must be \('subset', .*; got \('x', "),
        ("", "line 1: the header must be"),
        (HEADER, r"mine\.tsv must hold at least one pair; got the header alone"),
        (b"subset\xff", r"mine\.tsv must be UTF-8 text; got another byte at 6"),
    ],
)
def test_a_malformed_table_is_named_with_its_line(
    text: str | bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        read_sentence_pairs(write(tmp_path, text))
