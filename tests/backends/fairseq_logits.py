"""Run by fairseq's interpreter: what fairseq itself computes from a checkpoint.

``python fairseq_logits.py LAUNCHER CHECKPOINT DATA IDS.npy LOGITS.npy``
"""

from __future__ import annotations

import runpy
import sys

import numpy as np
import torch

launcher, checkpoint, data, ids, out = sys.argv[1:]
runpy.run_path(launcher)

from fairseq import checkpoint_utils  # noqa: E402

models, _, _ = checkpoint_utils.load_model_ensemble_and_task([checkpoint], {"data": data})
with torch.no_grad():
    logits, _ = models[0].eval()(torch.from_numpy(np.load(ids)))
np.save(out, logits.numpy())
