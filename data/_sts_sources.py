"""Where the similarity datasets come from, and the hashes of the tables made of them."""

from __future__ import annotations

from ._source import Part, Source
from ._sts_conversion import from_senteval, from_sick, from_stsb_csv

# A commit in each address: what lies upstream can then never change under us.
_RAW = "https://raw.githubusercontent.com"
_STSB = f"{_RAW}/PhilipMay/stsb-multi-mt/99a65f1b68667f69a57bea13f602c7c9c27a9fcd/data"
_SENTEVAL = (
    f"{_RAW}/Jun-jie-Huang/WhiteningBERT/d1ef06ae00ac5c3d869a028dd817a68833870d72"
    "/examples/datasets/stsbenchmark"
)
_SICK = f"{_RAW}/brmson/dataset-sts/11bb9cf92419821f3bf907e9bd22291bed84d990/data/sts/sick2014"

_STS_LICENCE = (
    "scores CC BY-SA 4.0; texts mixed (MSRpar and MSRvid: Microsoft Research terms, "
    "StackExchange: CC BY-SA 3.0)"
)
_SICK_LICENCE = "CC BY-NC-SA 3.0"
_CER = "Cer et al. 2017, SemEval-2017 Task 1, arXiv:1708.00055"
_MARELLI = "Marelli et al. 2014, A SICK cure for the evaluation of compositional semantics, LREC"

_STSB_FILES = {
    "train": ("6431f571f226827f794f5e6e759664fbddd479ba2a291af4043fdfaac79f23f9", 732601),
    "dev": ("379655eab2f824a85ebf88c18c634578bd0b73e21c0e26e8b101c029503bba2a", 210274),
    "test": ("8512ad0ca688b3bf5b6815bb72acae3600f690e60f63a41f35d84f32f8fd1e99", 164635),
}
_SICK_FILES = {
    "train": (
        "SICK_train.txt",
        "91a113746a5ef37ec4583e25f29e83a288249c254e6e61c66a8a9292fc071666",
        472998,
    ),
    "trial": (
        "SICK_trial.txt",
        "366b1052f9f98462a8cfb9d9979982dd4c834161b048e66d82ed6007ab72ee8f",
        53519,
    ),
    "test": (
        "SICK_test_annotated.txt",
        "286b7f155908cb6b581916f97a137a1b35ffbcf34f105bfd6faefd3f7edf7d20",
        518694,
    ),
}
# The order of the subsets is that of the rows.
_SENTEVAL_FILES = {
    "sts12": (
        "MSRpar MSRvid SMTeuroparl surprise.OnWN surprise.SMTnews",
        "09541d9e0911d221bc32e128bc3d0883285460a1b4c995c9ab1045ce4d9c78d2",
        455463,
        "Agirre et al. 2012, SemEval-2012 Task 6, aclanthology.org/S12-1051",
    ),
    "sts13": (
        "FNWN headlines OnWN",
        "8797d18a7fcd37eed4af5a79e2413ccd7b9dd25ab30dfb8eabb221789970e96b",
        182367,
        "Agirre et al. 2013, *SEM 2013 shared task, aclanthology.org/S13-1004",
    ),
    "sts14": (
        "deft-forum deft-news headlines images OnWN tweet-news",
        "e18a913fee1a039b1a476074700912663dce06fbf4a32bb8e95f62df345a35f4",
        463096,
        "Agirre et al. 2014, SemEval-2014 Task 10, aclanthology.org/S14-2010",
    ),
    "sts15": (
        "answers-forums answers-students belief headlines images",
        "14ec711a523b106518bc4673bb6dd99ef0ff61c52b118623945717c5ac68cf61",
        398612,
        "Agirre et al. 2015, SemEval-2015 Task 2, aclanthology.org/S15-2045",
    ),
    "sts16": (
        "answer-answer headlines plagiarism postediting question-question",
        "f9022b509d38fecac37c8863ca252cccf011595bd57b021943816e429141fc93",
        177413,
        "Agirre et al. 2016, SemEval-2016 Task 1, aclanthology.org/S16-1081",
    ),
}


def sts_sources() -> list[Source]:
    """Every file that `load_sts` reads."""
    found = [
        Source(
            name=f"stsb-{split}",
            filename=f"sts/stsb-{split}.tsv",
            sha256=sha256,
            size=size,
            parts=(Part(f"{_STSB}/stsb-en-{split}.csv", "STS-B"),),
            convert=from_stsb_csv,
            licence=_STS_LICENCE,
            citation=_CER,
        )
        for split, (sha256, size) in _STSB_FILES.items()
    ]
    found += [
        Source(
            name=name,
            filename=f"sts/{name}.tsv",
            sha256=sha256,
            size=size,
            parts=tuple(
                Part(f"{_SENTEVAL}/{name}.{subset}-test.csv", subset) for subset in subsets.split()
            ),
            convert=from_senteval,
            licence=_STS_LICENCE,
            citation=citation,
        )
        for name, (subsets, sha256, size, citation) in _SENTEVAL_FILES.items()
    ]
    found += [
        Source(
            name=f"sickr-{split}",
            filename=f"sts/sickr-{split}.tsv",
            sha256=sha256,
            size=size,
            parts=(Part(f"{_SICK}/{upstream}", "SICK-R"),),
            convert=from_sick,
            licence=_SICK_LICENCE,
            citation=_MARELLI,
        )
        for split, (upstream, sha256, size) in _SICK_FILES.items()
    ]
    return found
