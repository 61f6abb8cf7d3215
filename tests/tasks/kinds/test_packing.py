from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tasks.kinds.packing import pack_bits, unpack_bits


@given(st.lists(st.booleans(), max_size=70))
def test_what_is_packed_comes_back(correct):
    array = np.array(correct, dtype=bool)
    assert np.array_equal(unpack_bits(pack_bits(array), len(array)), array)


def test_another_number_of_examples_is_refused():
    with pytest.raises(ValueError, match="do not hold 17"):
        unpack_bits(pack_bits(np.ones(16, dtype=bool)), 17)
