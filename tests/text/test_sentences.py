from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.sentences import split_sentences


@pytest.mark.parametrize(
    ("line", "sentences"),
    [
        ("One. Two! Three? 4 more.", ["One.", "Two!", "Three?", "4 more."]),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("(It rained.) “We stayed.” It stopped.", ["(It rained.)", "“We stayed.”", "It stopped."]),
        ("about 3.5 km, e.g. here", ["about 3.5 km, e.g. here"]),
        ("no end", ["no end"]),
        ("   ", []),
    ],
)
def test_where_a_line_is_cut(line: str, sentences: list[str]) -> None:
    assert split_sentences(line) == sentences


@given(st.text(alphabet="aB1 .!?\"')“\n\t"))
def test_nothing_but_white_space_is_lost(line: str) -> None:
    sentences = split_sentences(line)
    assert "".join("".join(sentences).split()) == "".join(line.split())
    assert all(sentence == sentence.strip() != "" for sentence in sentences)
