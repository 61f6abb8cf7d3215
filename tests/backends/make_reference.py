"""Make the files under ``reference/``: ``python -m tests.backends.make_reference``.

fairseq itself makes all of them: a data set from a few lines of text, a tiny checkpoint trained on
it, and the checkpoint's logits. `PIPELINE_FAIRSEQ_PYTHON` names the interpreter that has fairseq.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from pipeline.backends.fairseq.environment import LAUNCHER, interpreter

REFERENCE = Path(__file__).with_name("reference")
LOGITS = Path(__file__).with_name("fairseq_logits.py")
WORDS = 40
TRAIN = [
    "--task", "masked_lm", "--criterion", "masked_lm", "--arch", "roberta_base", "--cpu",
    "--encoder-layers", "2", "--encoder-embed-dim", "16", "--encoder-ffn-embed-dim", "32",
    "--encoder-attention-heads", "4", "--sample-break-mode", "complete",
    "--tokens-per-sample", "24", "--optimizer", "adam", "--lr", "0.02", "--batch-size", "8",
    "--max-update", "60", "--no-epoch-checkpoints", "--no-save-optimizer-state",
    "--disable-validation", "--seed", "1",
]  # fmt: skip


def run(folder: Path, *words: object) -> None:
    """Run fairseq in the folder, so that the paths it writes into its files say nothing."""
    command = [interpreter(), *map(str, words)]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def sample(symbols: int) -> np.ndarray:
    """Rows of ids, the second padded."""
    ids = np.random.default_rng(0).integers(4, symbols, (3, 12))
    ids[:, 0], ids[:, -1] = 0, 2
    ids[1, 8:] = [2, 1, 1, 1]
    return ids


def main() -> None:
    rng = random.Random(0)
    words = [f"word{index}" for index in range(WORDS)]
    lines = [
        " ".join(words[(start + step) % WORDS] for step in range(rng.randrange(1, 12)))
        for start in (rng.randrange(WORDS) for _ in range(60))
    ]
    REFERENCE.mkdir(exist_ok=True)
    (REFERENCE / "train.txt").write_text("\n".join(lines) + "\n")
    (REFERENCE / "dict.txt").write_text("".join(f"{word} 1\n" for word in words))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(
            folder, LAUNCHER, "preprocess", "--only-source", "--srcdict", REFERENCE / "dict.txt", "--workers", 1,
            "--trainpref", REFERENCE / "train.txt", "--validpref", REFERENCE / "train.txt",
            "--destdir", "data",
        )  # fmt: skip
        run(folder, LAUNCHER, "train", "data", "--save-dir", "save", *TRAIN)
        shutil.copy(folder / "save/checkpoint_last.pt", REFERENCE / "checkpoint.pt")
        for name in ("train.bin", "train.idx"):
            shutil.copy(folder / "data" / name, REFERENCE / name)
        np.save(REFERENCE / "ids.npy", sample(WORDS + 5))
        run(
            folder, LOGITS, LAUNCHER, "save/checkpoint_last.pt", "data", REFERENCE / "ids.npy",
            REFERENCE / "logits.npy",
        )  # fmt: skip


if __name__ == "__main__":
    main()
