from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tasks.examples import pack, unpack


@given(st.lists(st.booleans(), max_size=70))
def test_what_is_packed_comes_back(correct):
    array = np.array(correct, dtype=bool)
    assert np.array_equal(unpack(pack(array), len(array)), array)


def test_another_number_of_examples_is_refused():
    with pytest.raises(ValueError, match="do not hold 17"):
        unpack(pack(np.ones(16, dtype=bool)), 17)
