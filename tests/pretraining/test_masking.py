from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.common.seeds import numpy_generator
from pipeline.pretraining.masking import IGNORE, mask_block, masked_batches
from pipeline.pretraining.packing import Blocks, SpecialTokens
from tests.pretraining.test_packing import corpus_of

SPECIAL = SpecialTokens(bos=0, pad=1, eos=2, mask=999, count=4)
BLOCK = np.concatenate([[0], np.full(510, 500), [2]])


def samples(count: int = 400) -> list[tuple[np.ndarray, np.ndarray]]:
    return [mask_block(BLOCK, 0.15, SPECIAL, numpy_generator(0, i)) for i in range(count)]


def test_about_77_of_512_positions_are_chosen() -> None:
    counts = [len(positions) for _, positions in samples()]
    assert set(counts) == {76, 77}  # ⌊76.8 + u⌋
    assert np.mean(counts) == pytest.approx(76.8, abs=0.1)


def test_eighty_ten_ten() -> None:
    chosen = np.concatenate([masked[positions] for masked, positions in samples()])
    assert np.mean(chosen == SPECIAL.mask) == pytest.approx(0.8, abs=0.01)
    assert np.mean(chosen == 500) == pytest.approx(0.1, abs=0.01)


def test_random_tokens_are_never_special_and_cover_the_vocabulary() -> None:
    chosen = np.concatenate([masked[positions] for masked, positions in samples()])
    random = chosen[(chosen != SPECIAL.mask) & (chosen > 2) & (chosen != 500)]
    assert random.min() == SPECIAL.count and random.max() == SPECIAL.mask - 1


def test_what_is_not_chosen_stays() -> None:
    for masked, positions in samples(20):
        kept = np.delete(np.arange(len(BLOCK)), positions)
        assert np.array_equal(masked[kept], BLOCK[kept])


def test_a_block_is_masked_anew_each_epoch_and_alike_in_the_same_one() -> None:
    blocks = Blocks(corpus_of([[20]] * 4), 24, SPECIAL, 0)

    def ids(epoch: int) -> torch.Tensor:
        made = masked_batches(blocks, [(epoch, 1)], 1, 0.3, SPECIAL, 0, torch.device("cpu"))
        return made[0].input_ids

    assert torch.equal(ids(0), ids(0))
    assert not torch.equal(ids(0), ids(1))


def test_blocks_are_masked_each_in_its_own_way() -> None:
    blocks = Blocks(corpus_of([[20]] * 4), 24, SPECIAL, 0)
    rows = [(0, index) for index in range(4)]
    made = masked_batches(blocks, rows, 4, 0.3, SPECIAL, 0, torch.device("cpu"))[0]
    assert len({tuple(row) for row in made.positions.tolist()}) == 4


def test_labels_are_the_hidden_tokens_at_their_places_and_padding_is_not_attended() -> None:
    blocks = Blocks(corpus_of([[20], [9], [14, 3], [18]]), 24, SPECIAL, 0)
    rows = [(0, index) for index in range(len(blocks))]
    made = masked_batches(blocks, rows, len(rows), 0.3, SPECIAL, 0, torch.device("cpu"))[0]
    for row, (_, index) in enumerate(rows):
        block = torch.from_numpy(blocks[index])
        inside = torch.arange(24) < len(block)
        assert torch.equal(made.attention_mask[row].bool(), inside)
        assert (made.input_ids[row][~inside] == SPECIAL.pad).all()
        used = made.labels[row] != IGNORE
        restored = made.input_ids[row].clone()
        restored[made.positions[row][used]] = made.labels[row][used]
        assert torch.equal(restored[inside], block)


def test_micro_batches_are_slices_with_the_whole_count() -> None:
    blocks = Blocks(corpus_of([[20]] * 6), 24, SPECIAL, 0)
    rows = [(0, index) for index in range(6)]
    device = torch.device("cpu")
    whole = masked_batches(blocks, rows, 6, 0.3, SPECIAL, 0, device)[0]
    parts = masked_batches(blocks, rows, 4, 0.3, SPECIAL, 0, device)
    assert torch.equal(torch.cat([part.input_ids for part in parts]), whole.input_ids)
    assert {part.count for part in parts} == {int((whole.labels != IGNORE).sum())}


def test_a_micro_batch_without_padding_has_no_mask() -> None:
    blocks = Blocks(corpus_of([[22], [9], [22], [22]]), 24, SPECIAL, 0)
    rows = [(0, index) for index in range(4)]
    parts = masked_batches(blocks, rows, 2, 0.3, SPECIAL, 0, torch.device("cpu"))
    assert parts[0].attention_mask is not None and parts[1].attention_mask is None
