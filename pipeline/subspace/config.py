"""Which subspace: DID or SAID, and which projection. Read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal["fastfood", "fastfood_whole", "dense", "sparse", "reference"]
Gaussian = Literal["normal", "rademacher"]
Normalisation = Literal["column", "entry", "reference"]
Granularity = Literal["block", "module", "tensor"]
Method = Literal["said", "did"]


@dataclass(frozen=True)
class ProjectionConfig:
    """Which projection (method §1). ``gaussian`` and ``share_signs`` are Fastfood's own keys."""

    projection: Family = "fastfood"
    gaussian: Gaussian = "normal"
    share_signs: bool = True
    normalisation: Normalisation = "entry"

    def __post_init__(self) -> None:
        if not self.projection.startswith("fastfood"):
            for key, standard in (("gaussian", "normal"), ("share_signs", True)):
                if getattr(self, key) != standard:
                    raise ValueError(
                        f"{key} is {getattr(self, key)}, but only Fastfood has this choice: "
                        f"leave it out with projection: {self.projection}"
                    )
        if self.projection == "reference" and self.normalisation != "reference":
            raise ValueError(
                f"normalisation is {self.normalisation}, but must be reference with "
                "projection: reference, which has a scale of its own for each tensor"
            )


@dataclass(frozen=True)
class SubspaceConfig(ProjectionConfig):
    """Which subspace: DID or SAID, its projection and how that is normalised (method §1).

    With ``head: inside`` the d numbers move the classification head too; with ``outside`` the head
    is trained directly in addition to them.
    """

    method: Method = "said"
    layers: Granularity = "block"
    head: Literal["inside", "outside"] = "inside"
