"""What a head is trained for, by Hugging Face's names of the losses."""

from __future__ import annotations

from typing import Literal

Problem = Literal["single_label_classification", "regression"]
