from __future__ import annotations

import hashlib
import json
from collections import Counter
from functools import cache
from importlib import import_module
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.text.synthetic import KINDS, documents, examples, label_names
from pipeline.text.synthetic.examples import Example
from pipeline.text.synthetic.scenes import SCENES, Scene

PAIRS = ("paraphrase", "duplicate", "inference", "adversarial", "similarity")
POLARITIES = ("polarity_short", "polarity_long")
SINGLES = (*POLARITIES, "acceptability")
BALANCED = tuple(kind for kind in KINDS if kind != "acceptability")
IN_THE_WORDS = tuple(kind for kind in BALANCED if kind != "similarity")
PARTS = ("nouns", "verbs", "adjectives")
FORM_WORDS = {
    "near", "with", "behind", "before", "where", "why", "when", "who", "was", "so", ".", "?",
}  # fmt: skip
ROWS = 1200
# SHA-256 of the first 64 rows of train and of eval at seed 0, as JSON.
GOLDEN = {
    "paraphrase": "120fb89429072159",
    "duplicate": "43510f3e7fd648ca",
    "polarity_short": "3960abe67c9df250",
    "polarity_long": "47468f29a5fe740d",
    "inference": "2f1170b0ba7cec30",
    "adversarial": "cc5330545ddd24ee",
    "similarity": "5da9d33343f1ddad",
    "acceptability": "dbe986e73285e55c",
}

_WORDS = [
    (word, scene, part) for scene in SCENES for part in PARTS for word in getattr(scene, part)
]
_SCENE = {word: scene for word, scene, _ in _WORDS}
_PART = {word: part for word, _, part in _WORDS}


def rows(kind: str, split: str, count: int = ROWS, seed: int = 0) -> list[Example]:
    return list(examples(kind, split, count, seed))


def text(row: Example) -> str:
    return f"{row['text_a']} {row['text_b'] or ''}"


def digest(kind: str) -> str:
    made = json.dumps([rows(kind, split, 64) for split in ("train", "eval")])
    return hashlib.sha256(made.encode()).hexdigest()[:16]


def chance(kind: str) -> float:
    return 1 / len(label_names(kind))


def scenes_in(sentence: str) -> list[Scene]:
    """The scenes of a text's words, word by word."""
    return [_SCENE[word] for word in sentence.split() if word in _SCENE]


def scene_of(sentence: str) -> Scene:
    """The scene of most of its words."""
    return Counter(scenes_in(sentence)).most_common(1)[0][0]


def is_faulty(sentence: str) -> bool:
    """Whether an adjective stands before no noun."""
    parts = [_PART.get(word) for word in sentence.split()]
    return any(one == "adjectives" and two != "nouns" for one, two in pairwise(parts))


def meaning(kind: str, row: Example) -> str:
    """The label that the words, most of them, tell."""
    first = str(row["text_a"])
    if kind == "acceptability":
        return "unacceptable" if is_faulty(first) else "acceptable"
    if kind in POLARITIES:
        moods = [scene.good for scene in scenes_in(first)]
        return "positive" if 2 * sum(moods) > len(moods) else "negative"
    one, other = scene_of(first), scene_of(str(row["text_b"]))
    if kind == "similarity":
        return f"{5 * sum(a == b for a, b in zip(one.traits, other.traits, strict=True)) / 3:.1f}"
    if kind in ("paraphrase", "duplicate"):
        return label_names(kind)[one == other]
    near = {one.traits: "entailment", (False, one.indoors, one.near): "contradiction"}
    return near.get(other.traits, "unclear") if other.near else "neutral"


@cache
def words_of_documents(stray: float) -> list[list[str]]:
    """The words of each of 2000 documents."""
    return [" ".join(document).split() for document in documents(0, 2000, stray)]


@cache
def frequencies(stray: float) -> dict[str, float]:
    counts = Counter(word for document in words_of_documents(stray) for word in document)
    return {word: count / counts.total() for word, count in counts.items()}


@cache
def bag_accuracy(kind: str, field: str | None) -> float:
    """Held-out accuracy of ridge regression on word counts, of one text or of both together."""

    def texts(split: str) -> tuple[list[list[str]], np.ndarray]:
        table = rows(kind, split)
        names = label_names(kind)
        bags = [(text(row) if field is None else str(row[field])).split() for row in table]
        return bags, np.array([names.index(str(row["label"])) for row in table])

    (train, labels), (held_out, truth) = texts("train"), texts("eval")
    words = {
        word: index for index, word in enumerate(sorted({word for bag in train for word in bag}))
    }

    def features(bags: list[list[str]]) -> np.ndarray:
        out = np.zeros((len(bags), len(words) + 1))
        out[:, -1] = 1
        for row, bag in enumerate(bags):
            for word in bag:
                if word in words:
                    out[row, words[word]] += 1
        return out

    x, y = features(train), np.eye(len(label_names(kind)))[labels]
    weights = np.linalg.solve(x.T @ x + 5 * np.eye(x.shape[1]), x.T @ y)
    return float(((features(held_out) @ weights).argmax(1) == truth).mean())


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples without stray words and without wrong labels."""
    world = import_module("pipeline.text.synthetic.examples")
    monkeypatch.setattr(world, "_MISLABELLED", 0.0)
    monkeypatch.setattr(world, "_STRAY", dict.fromkeys(KINDS, 0.0))
    monkeypatch.setattr(world, "_ROUNDS", (0.0, 0.0, 0.0))


def test_the_eight_kinds_have_the_labels_of_their_models() -> None:
    assert set(KINDS) == {*PAIRS, *SINGLES}
    assert [len(label_names(kind)) for kind in KINDS] == [2, 2, 2, 2, 3, 3, 4, 2]
    assert label_names("inference") == ("entailment", "neutral", "contradiction")
    assert label_names("similarity") == ("0.0", "1.7", "3.3", "5.0")
    assert label_names("acceptability") == ("unacceptable", "acceptable")


def test_an_unknown_kind_is_a_user_error() -> None:
    with pytest.raises(UserError, match="no task 'summary': say one of paraphrase"):
        next(examples("summary", "train", 1, 0))


@pytest.mark.parametrize("kind", GOLDEN)
def test_the_rows_that_results_were_made_of_stay_the_same(kind: str) -> None:
    assert digest(kind) == GOLDEN[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_have_the_schema(kind: str) -> None:
    table = rows(kind, "train", 300)
    assert len(table) == 300
    assert all(isinstance(row["text_a"], str) for row in table)
    assert all((row["text_b"] is None) == (kind in SINGLES) for row in table)
    assert {row["label"] for row in table} == set(label_names(kind))


@pytest.mark.parametrize("kind", BALANCED)
def test_labels_are_balanced(kind: str) -> None:
    counts = Counter(row["label"] for row in rows(kind, "train", 300))
    assert counts == dict.fromkeys(label_names(kind), 300 // len(label_names(kind)))


@pytest.mark.parametrize("split", ["train", "eval"])
def test_two_of_three_sentences_are_acceptable(split: str) -> None:
    counts = Counter(row["label"] for row in rows("acceptability", split, 300))
    assert counts == {"acceptable": 200, "unacceptable": 100}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(KINDS))
def test_the_same_seed_gives_the_same_rows_and_a_longer_split_begins_alike(
    seed: int, kind: str
) -> None:
    assert rows(kind, "train", 12, seed) == rows(kind, "train", 20, seed)[:12]


def test_seeds_kinds_and_splits_differ() -> None:
    assert rows("inference", "train", 20, 0) != rows("inference", "train", 20, 1)
    assert rows("inference", "train", 20, 0) != rows("inference", "eval", 20, 0)
    premises = [[row["text_a"] for row in rows(kind, "train", 20)] for kind in PAIRS]
    assert all(one != other for one, other in pairwise(premises))
    assert list(documents(0, 20, 0.1)) == list(documents(0, 20, 0.1)) != list(documents(1, 20, 0.1))


def test_numpys_own_generator_is_neither_heard_nor_moved() -> None:
    np.random.seed(1)
    made = rows("adversarial", "train", 20), list(documents(0, 20, 0.1))
    assert np.random.random() == np.random.RandomState(1).random_sample()
    assert (rows("adversarial", "train", 20), list(documents(0, 20, 0.1))) == made


@pytest.mark.parametrize("kind", KINDS)
def test_no_eval_text_is_in_any_train_split(kind: str) -> None:
    held_out = {(row["text_a"], row["text_b"]) for row in rows(kind, "eval")}
    trained = {
        (row["text_a"], row["text_b"]) for seed in (0, 1) for row in rows(kind, "train", seed=seed)
    }
    assert not held_out & trained


def test_no_word_has_two_scenes_or_two_parts_of_speech() -> None:
    assert len({word for word, _, _ in _WORDS}) == len(_WORDS)
    assert not FORM_WORDS & set(_SCENE)


def test_every_combination_of_traits_is_one_scene() -> None:
    assert sorted(scene.traits for scene in SCENES) == list(product((False, True), repeat=3))


def test_documents_are_sentences_and_questions_that_end() -> None:
    made = list(documents(3, 400, 0.1))
    assert len(made) == 400
    assert all(len(document) >= 2 for document in made)
    ends = Counter(sentence[-2:] for document in made for sentence in document)
    assert set(ends) == {" .", " ?"} and ends[" ."] > ends[" ?"]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_document_without_stray_words_keeps_to_one_scene(seed: int) -> None:
    made = [scenes_in(" ".join(document)) for document in documents(seed, 12, 0.0)]
    assert all(len(set(scenes)) == 1 for scenes in made)
    assert len({scenes[0] for scenes in made}) > 1


def test_stray_words_scatter_over_the_scenes_as_chance_has_it() -> None:
    def together(stray: float) -> float:
        """How many of the pairs of a document's words are of one scene."""
        same = pairs = 0
        for document in words_of_documents(stray):
            counts = Counter(_SCENE[word].name for word in document if word in _SCENE)
            same += sum(count * (count - 1) for count in counts.values())
            pairs += counts.total() * (counts.total() - 1)
        return same / pairs

    assert together(1.0) == pytest.approx(1 / len(SCENES), abs=0.01)
    # Two words are of one scene where neither is stray, or by chance.
    assert together(0.1) == pytest.approx(0.9**2 + (1 - 0.9**2) / len(SCENES), abs=0.01)


def test_stray_words_leave_every_word_as_frequent_as_it_was() -> None:
    usual, control = frequencies(0.1), frequencies(1.0)
    assert set(usual) == set(control) == FORM_WORDS | set(_SCENE)
    # The share of words that would have to be others; sampling alone makes it 0.03.
    assert sum(abs(usual[word] - control[word]) for word in usual) / 2 < 0.06
    for part in PARTS:
        of_part = [word for word in _PART if _PART[word] == part]
        assert sum(usual[word] for word in of_part) == pytest.approx(
            sum(control[word] for word in of_part), rel=0.05
        )


@pytest.mark.parametrize("part", PARTS)
def test_documents_have_favourite_words_and_examples_have_none(part: str) -> None:
    table = rows("similarity", "train", 2400)
    alike = Counter(word for row in table for word in text(row).split())
    ranks = range(len(getattr(SCENES[0], part)))
    zipf = [sum(frequencies(0.1)[getattr(scene, part)[rank]] for scene in SCENES) for rank in ranks]
    flat = [sum(alike[getattr(scene, part)[rank]] for scene in SCENES) for rank in ranks]
    law = np.array([1 / (rank + 1) for rank in ranks])
    assert np.array(zipf) / sum(zipf) == pytest.approx(law / law.sum(), rel=0.2)
    assert np.array(flat) / sum(flat) == pytest.approx(1 / len(ranks), rel=0.2)


def test_the_documents_teach_every_word_of_the_tasks() -> None:
    asked = {
        word for kind in KINDS for row in rows(kind, "train", 600) for word in text(row).split()
    }
    assert asked == set(frequencies(0.1))


@pytest.mark.parametrize("kind", KINDS)
def test_no_label_is_a_word_of_the_texts(kind: str) -> None:
    assert not set(label_names(kind)) & (FORM_WORDS | set(_SCENE))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("split", ["train", "eval"])
@pytest.mark.parametrize("kind", KINDS)
def test_without_stray_words_and_wrong_labels_every_label_holds(kind: str, split: str) -> None:
    for row in rows(kind, split, 300):
        assert row["label"] == meaning(kind, row)
        sentences = text(row).replace("?", ".").split(".")
        assert all(len(set(scenes_in(sentence))) <= 1 for sentence in sentences)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_hold_in_most_rows_but_not_in_all(kind: str) -> None:
    held = np.mean([row["label"] == meaning(kind, row) for row in rows(kind, "train")])
    assert (1 + chance(kind)) / 2 < held < 1


def test_an_adjective_before_no_noun_is_unacceptable_and_made_nowhere_else() -> None:
    assert is_faulty("bride white kissed .") and not is_faulty("white bride kissed .")
    wrong = [row["label"] != meaning("acceptability", row) for row in rows("acceptability", "eval")]
    assert 0 < np.mean(wrong) < 0.15
    assert not any(is_faulty(str(row["text_a"])) for row in rows("inference", "train", 600))


def test_similarity_counts_the_traits_in_every_combination() -> None:
    shared: dict[str | None, set[tuple[bool, ...]]] = {}
    for row in rows("similarity", "train", 2400):
        one, other = scene_of(str(row["text_a"])), scene_of(str(row["text_b"]))
        if row["label"] == meaning("similarity", row):
            same = tuple(a == b for a, b in zip(one.traits, other.traits, strict=True))
            shared.setdefault(row["label"], set()).add(same)
    assert {label: len(which) for label, which in shared.items()} == {
        "0.0": 1, "1.7": 3, "3.3": 3, "5.0": 1,
    }  # fmt: skip


def test_only_adversarial_rows_carry_a_round_and_all_rounds_occur() -> None:
    rounds = Counter(row["round"] for row in rows("adversarial", "eval", 600))
    assert set(rounds) == {"R1", "R2", "R3"}
    assert min(rounds.values()) > 150
    others = set(KINDS) - {"adversarial"}
    assert all("round" not in row for kind in others for row in rows(kind, "eval", 5))


def test_a_round_has_more_stray_words_than_the_round_before() -> None:
    own: dict[str | None, list[bool]] = {"R1": [], "R2": [], "R3": []}
    for row in rows("adversarial", "train", 2400):
        if row["label"] == "entailment":
            scene = scene_of(str(row["text_a"]))
            own[row["round"]] += [each == scene for each in scenes_in(str(row["text_b"]))]
    first, second, third = (np.mean(shares) for shares in own.values())
    assert first > second > third > 1 / len(SCENES)


@pytest.mark.parametrize("kind", IN_THE_WORDS)
def test_words_alone_tell_most_labels_but_not_all(kind: str) -> None:
    assert (1 + chance(kind)) / 2 < bag_accuracy(kind, None) < 0.995


@pytest.mark.parametrize("kind", [kind for kind in PAIRS if kind != "similarity"])
def test_the_second_text_alone_tells_as_much_as_both_and_the_first_nothing(kind: str) -> None:
    assert bag_accuracy(kind, "text_b") > bag_accuracy(kind, None) - 0.03
    # Three standard errors of the held-out rows, and what a fit on few rows may find by chance.
    assert bag_accuracy(kind, "text_a") < chance(kind) + 0.06


@pytest.mark.parametrize("field", ["text_a", "text_b", None])
def test_words_alone_tell_nothing_of_similarity(field: str | None) -> None:
    assert bag_accuracy("similarity", field) < chance("similarity") + 0.06


def test_words_alone_tell_nothing_of_acceptability() -> None:
    assert bag_accuracy("acceptability", "text_a") < 2 / 3 + 0.06
