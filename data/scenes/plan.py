"""What a caption says, apart from its words; and its words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from .words import Spec

FORMS = (
    "pronoun",  # A R B and it S C
    "relative",  # A , which R B , S C
    "inverted",  # R B is A , and it S C
    "existential",  # there is an A R B , and C S D
    "conjoined",  # A R B , and C S D
    "while",  # while A R B , C S D
    "plural",  # A R B , and the two C are striped
    "counted",  # there are two C , and A R B
)
TENSES = ("present", "past")
# Words before the sentence; the phrase in them names the picture, and no part of it.
OPENINGS: tuple[tuple[str, int, int], ...] = (
    ("", 0, 0),
    ("in the picture ,", 1, 3),
    ("in the scene ,", 1, 3),
    ("on the canvas ,", 1, 3),
    ("the image shows that", 0, 2),
    ("the picture shows that", 0, 2),
)
_BE = {("present", False): "is", ("present", True): "are", ("past", False): "was"}
_BE["past", True] = "were"
# After a form of "be"; two wordings each.
_PLACE = {
    "left of": ("left of", "to the left of"),
    "right of": ("right of", "to the right of"),
    "above": ("above", "over"),
    "below": ("below", "under"),
    "touches": ("touching", "touching"),
    "inside": ("inside", "within"),
    "around": ("around", "around"),
    "same colour": ("of the same colour as", "of the same colour as"),
    "same shape": ("of the same shape as", "of the same shape as"),
    "other colour": ("of another colour than", "of another colour than"),
    "other shape": ("of another shape than", "of another shape than"),
    "apart": ("apart from", "apart from"),
}
_VERBS = {
    **{"touches": "touch", "around": "surround"},
    **{"same colour": "share", "same shape": "share"},
    **{"other colour": "differ", "other shape": "differ"},
}


class Clause(NamedTuple):
    """One thing that a caption says.

    Attributes
    ----------
    subject
        What it is said of; None for the subject of the clause before.
    predicate
        One of RELATIONS or what denies one; a size or a texture; or "count": that there are so
        many.
    object
        The other end of a relation, else None.
    wording
        0 or 1: which of two ways to say it.
    """

    subject: Spec | None
    predicate: str
    object: Spec | None = None
    wording: int = 0


class Plan(NamedTuple):
    """What a caption says, in one of FORMS and TENSES, after one of OPENINGS (its position)."""

    form: str
    tense: str
    opening: int
    clauses: tuple[Clause, ...]

    def to_text(self) -> str:
        """As JSON, which `from_text` reads."""
        return json.dumps(self)

    @classmethod
    def from_text(cls, text: str) -> Plan:
        """What `to_text` wrote."""
        form, tense, opening, clauses = json.loads(text)
        return cls(
            form, tense, opening, tuple(Clause(_spec(s), p, _spec(o), w) for s, p, o, w in clauses)
        )

    def said(self) -> Iterator[tuple[Clause, Spec, bool]]:
        """Each clause with what its subject stands for, and whether that one need only exist."""
        subject = Spec()
        for i, clause in enumerate(self.clauses):
            subject = clause.subject or subject
            yield clause, subject, self.form == "existential" and i == 0

    def wording(self) -> Wording:
        """The words of the caption and its phrases.

        Examples
        --------
        >>> clauses = (
        ...     Clause(Spec(1, colour="red", shape="star"), "left of", Spec(2, shape="cross")),
        ...     Clause(None, "touches", Spec(1, size="big", shape="circle")),
        ... )
        >>> " ".join(Plan("pronoun", "past", 0, clauses).wording().words)
        'the red star was left of the two crosses and it touched the big circle .'
        """
        out = Wording([], [])
        text, start, end = OPENINGS[self.opening]
        if text:
            out.mentions.append(Mention(start, end, None, "scene"))
            out.words.extend(
                text.replace("shows", "showed" if self.tense == "past" else "shows").split()
            )
        first, second = self.clauses[:2]
        form = self.form
        if form == "while":
            out.words.append("while")
        if form in ("existential", "counted"):
            self._there(out, first)
        elif form == "inverted":
            out.words.extend(_PLACE[first.predicate][first.wording].split())
            self._name(out, first.object)
            out.words.append(self._be(first.subject))
            self._name(out, first.subject)
        else:
            self._name(out, first.subject)
            out.words.extend([",", "which"] if form == "relative" else [])
            self._say(out, first, first.subject)
        joint = {"pronoun": ["and"], "relative": [","], "while": [","]}
        out.words.extend(joint.get(form, [",", "and"]))
        if form != "relative":
            self._name(out, second.subject)
        self._say(out, second, second.subject or first.subject)
        for clause in self.clauses[2:]:
            out.words.append("and")
            self._name(out, clause.subject)
            self._say(out, clause, clause.subject or second.subject)
        out.words.append(".")
        return out

    def _be(self, subject: Spec | None) -> str:
        return _BE[self.tense, subject is not None and subject.number > 1]

    def _there(self, out: Wording, clause: Clause) -> None:
        out.words.extend(["there", self._be(clause.subject)])
        self._name(out, clause.subject, "a")
        if clause.object is not None:
            out.words.extend(_PLACE[clause.predicate][clause.wording].split())
            self._name(out, clause.object)

    def _say(self, out: Wording, clause: Clause, subject: Spec | None) -> None:
        plural = subject is not None and subject.number > 1
        out.words.extend(self._verb(clause.predicate, clause.wording, plural))
        if clause.object is not None:
            self._name(out, clause.object)

    def _verb(self, predicate: str, wording: int, plural: bool) -> list[str]:
        past = self.tense == "past"
        be = _BE[self.tense, plural]
        if predicate not in _PLACE:
            return [be, predicate]
        # Of these, one wording has a verb of its own.
        if predicate in _VERBS and wording == 0:
            stem = _VERBS[predicate]
            third = "es" if stem.endswith("ch") else "s"
            ending = ("d" if stem.endswith("e") else "ed") if past else "" if plural else third
            what = predicate.rpartition(" ")[2]
            rest = {
                "share": ["their" if plural else "its", what, "with"],
                "differ": ["in", what, "from"],
            }
            return [stem + ending, *rest.get(stem, [])]
        if predicate.startswith(("same ", "other ")):
            have = "had" if past else "have" if plural else "has"
            kind, what = predicate.split()
            compared = ["the", "same", what, "as"] if kind == "same" else ["another", what, "than"]
            return [have, *compared]
        return [be, *_PLACE[predicate][wording].split()]

    @staticmethod
    def _name(out: Wording, spec: Spec | None, article: str = "the") -> None:
        words = ["it"] if spec is None else spec.words(article)
        start = len(out.words)
        kind = "pronoun" if spec is None else ""
        out.words.extend(words)
        out.mentions.append(Mention(start, len(out.words), spec, kind))


class Mention(NamedTuple):
    """Words `start` up to `end`, what they say (None for "it" and the picture), and their kind."""

    start: int
    end: int
    spec: Spec | None
    kind: str


class Wording(NamedTuple):
    """The words of a caption, and what they mention in order."""

    words: list[str]
    mentions: list[Mention]


def _spec(values: list | None) -> Spec | None:
    return None if values is None else Spec(*values)
