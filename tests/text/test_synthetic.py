from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.text.synthetic import KINDS, documents, examples, label_names
from pipeline.text.synthetic.examples import Example
from pipeline.text.synthetic.lexicon import ADJECTIVES, EVENTS, MANNERS, NAMES
from pipeline.text.synthetic.prose import _HOWEVER, _LIKEWISE, _MEANWHILE

PAIRS = ("paraphrase", "duplicate", "inference", "adversarial", "similarity")
POLARITIES = ("polarity_short", "polarity_long")
SINGLES = (*POLARITIES, "acceptability")
BALANCED = tuple(kind for kind in KINDS if kind != "acceptability")
ROWS = 1200
# SHA-256 of the first 64 rows of train and of eval at seed 0, as JSON.
GOLDEN = {
    "paraphrase": "1293eb2f97a06b66",
    "duplicate": "3e04e8f62edc9375",
    "polarity_short": "2d891d7f36d890ad",
    "polarity_long": "97f55345beb3de9f",
    "inference": "70aa97a38d2baf86",
    "adversarial": "316a306652faed10",
}

_EVENT = {
    word: index
    for index, event in enumerate(EVENTS)
    for role in (event.deeds, event.things, event.places)
    for word in role
}
_MOOD = {word: mood for group in (MANNERS, ADJECTIVES) for mood in (0, 1) for word in group[mood]}


_ROLES = {
    "name": set(NAMES),
    "deed": {word for event in EVENTS for word in event.deeds},
    "manner": {word for words in MANNERS for word in words},
    "adjective": {word for words in ADJECTIVES for word in words},
    "thing": {word for event in EVENTS for word in event.things},
}
_RIGHT = {
    "name manner deed adjective thing",
    "name deed adjective thing manner",
    "manner name deed adjective thing",
}
_FAULTS = ("deed thing adjective", "adjective deed thing", "adjective thing")


def roles(row: Example) -> str:
    """The roles of a statement's words, in the order of the words."""
    words = str(row["text_a"]).removesuffix(" .").split()
    return " ".join(role for word in words for role, its in _ROLES.items() if word in its)


def rows(kind: str, split: str, count: int = ROWS, seed: int = 0) -> list[Example]:
    return list(examples(kind, split, count, seed))


def text(row: Example) -> str:
    return f"{row['text_a']} {row['text_b'] or ''}"


def read(sentence: str) -> tuple[set[int], set[int]]:
    """The kinds of event and the moods that a sentence's words name."""
    words = sentence.split()
    return {_EVENT[w] for w in words if w in _EVENT}, {_MOOD[w] for w in words if w in _MOOD}


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
    made = json.dumps([rows(kind, split, 64) for split in ("train", "eval")])
    assert hashlib.sha256(made.encode()).hexdigest()[:16] == GOLDEN[kind]


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


def test_only_adversarial_rows_carry_a_round_and_all_rounds_occur() -> None:
    rounds = Counter(row["round"] for row in rows("adversarial", "eval", 600))
    assert set(rounds) == {"R1", "R2", "R3"}
    assert min(rounds.values()) > 150
    others = set(KINDS) - {"adversarial"}
    assert all("round" not in row for kind in others for row in rows(kind, "eval", 5))


def test_a_round_has_one_premise_sentence_more_than_the_round_before() -> None:
    for row in rows("adversarial", "train", 300):
        assert str(row["text_a"]).count(".") == int(str(row["round"])[1])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(KINDS))
def test_the_same_seed_gives_the_same_rows_and_a_longer_split_begins_alike(
    seed: int, kind: str
) -> None:
    assert rows(kind, "train", 12, seed) == rows(kind, "train", 20, seed)[:12]


def test_seeds_and_splits_differ() -> None:
    assert rows("inference", "train", 20, 0) != rows("inference", "train", 20, 1)
    assert rows("inference", "train", 20, 0) != rows("inference", "eval", 20, 0)
    assert list(documents(0, 20)) == list(documents(0, 20)) != list(documents(1, 20))


@pytest.mark.parametrize("kind", KINDS)
def test_no_eval_text_is_in_any_train_split(kind: str) -> None:
    held_out = {(row["text_a"], row["text_b"]) for row in rows(kind, "eval")}
    trained = {
        (row["text_a"], row["text_b"]) for seed in (0, 1) for row in rows(kind, "train", seed=seed)
    }
    assert not held_out & trained


@pytest.mark.parametrize("kind", ["paraphrase", "inference"])
def test_labels_say_how_the_two_statements_stand_to_each_other(kind: str) -> None:
    for row in rows(kind, "train", 300):
        (event_a, mood_a), (event_b, mood_b) = read(str(row["text_a"])), read(str(row["text_b"]))
        assert len(event_a) == len(event_b) == len(mood_a) == len(mood_b) == 1
        same = event_a == event_b and mood_a == mood_b
        assert (row["label"] in ("equivalent", "entailment")) == same
        assert (row["label"] == "neutral") == (kind == "inference" and event_a != event_b)


def test_duplicate_questions_ask_about_one_kind_of_event() -> None:
    for row in rows("duplicate", "train", 300):
        same = read(str(row["text_a"]))[0] == read(str(row["text_b"]))[0]
        assert (row["label"] == "duplicate") == same


def test_similarity_follows_from_the_parts_that_two_statements_share() -> None:
    which: set[tuple[bool, ...]] = set()
    for row in rows("similarity", "train", 600):
        first, second = str(row["text_a"]), str(row["text_b"])
        agents = [set(sentence.split()) & set(NAMES) for sentence in (first, second)]
        (event_a, mood_a), (event_b, mood_b) = read(first), read(second)
        shared = (agents[0] == agents[1], event_a == event_b, mood_a == mood_b)
        assert row["label"] == f"{5 * sum(shared) / 3:.1f}"
        which.add(shared)
    assert len(which) == 2**3


def test_no_word_has_two_roles() -> None:
    assert sum(map(len, _ROLES.values())) == len(set[str]().union(*_ROLES.values()))


@pytest.mark.parametrize("split", ["train", "eval"])
def test_a_sentence_is_acceptable_where_the_grammar_makes_it(split: str) -> None:
    faulty = {right.replace("deed adjective thing", fault) for right in _RIGHT for fault in _FAULTS}
    assert not faulty & _RIGHT
    table = rows("acceptability", split, 600)
    assert {roles(row) for row in table if row["label"] == "acceptable"} == _RIGHT
    assert {roles(row) for row in table if row["label"] == "unacceptable"} == faulty
    assert {roles(row) for row in rows("inference", split, 600)} == _RIGHT


def test_words_alone_tell_only_that_a_deed_is_missing() -> None:
    assert bag_accuracy("acceptability", "text_a") < 2 / 3 + 1 / 9 + 0.06


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("field", ["text_a", "text_b", None])
def test_words_alone_do_not_solve_a_pair_task(kind: str, field: str | None) -> None:
    # Three standard errors of the held-out rows, and what a fit on few rows may find by chance.
    assert bag_accuracy(kind, field) < 1 / len(label_names(kind)) + 0.06


@pytest.mark.parametrize("kind", POLARITIES)
def test_polarity_is_mostly_but_not_wholly_in_the_words(kind: str) -> None:
    assert bag_accuracy(kind, "text_a") > 0.75
    negated = sum(
        any(f" {word} " in text(row) for word in ("not", "never", "hardly"))
        for row in rows(kind, "train")
    )
    assert negated > 0.08 * ROWS


@pytest.mark.parametrize("kind", KINDS)
def test_no_label_is_a_word_of_the_texts(kind: str) -> None:
    words = {word for row in rows(kind, "train", 300) for word in text(row).split()}
    assert not words & set(label_names(kind))


def test_documents_are_sentences_that_end() -> None:
    made = list(documents(3, 400))
    assert len(made) == 400
    assert all(len(document) >= 2 for document in made)
    assert all(sentence.endswith((" .", " ?")) for document in made for sentence in document)


def test_the_documents_teach_every_word_of_the_tasks() -> None:
    known = {word for doc in documents(0, 3000) for sentence in doc for word in sentence.split()}
    asked = {
        word for kind in KINDS for row in rows(kind, "train", 600) for word in text(row).split()
    }
    assert asked <= known


def test_a_connective_says_how_a_sentence_stands_to_the_one_before() -> None:
    seen: Counter[str] = Counter()
    for document in documents(0, 2000):
        for before, after in pairwise(document):
            first = after.split()[0]
            if not after.endswith(".") or not set(before.split()) & set(NAMES):
                continue
            (event_a, mood_a), (event_b, mood_b) = read(before), read(after)
            seen[first] += 1
            assert (first in _LIKEWISE) == ((event_a, mood_a) == (event_b, mood_b))
            assert (first in _HOWEVER) == (event_a == event_b and mood_a != mood_b)
            assert (first in _MEANWHILE) == (event_a != event_b)
    assert set(seen) == {*_LIKEWISE, *_HOWEVER, *_MEANWHILE}
