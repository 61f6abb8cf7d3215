from __future__ import annotations

import pandas as pd

from pipeline.report.sentences import other_devices


def test_different_hardware_is_told_once_and_only_where_it_differs() -> None:
    def told(*devices: str) -> str:
        return other_devices(pd.DataFrame({"device": devices}))

    # Sums of several cells have none, nor have cells of which none was recorded.
    assert told("", "one", "one") == told() == ""
    text = told("two", "one", "", "three")
    assert text.startswith("Cells were computed on one, three and two (column device of costs.csv)")
