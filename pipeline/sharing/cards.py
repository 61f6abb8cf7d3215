"""Cards of repositories, from the manifests of what lies in them."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.common.artifacts import Json

# What is told of a model, where its configuration has it.
_SIZES = ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size",
          "vocab_size", "max_position_embeddings")  # fmt: skip


def model_card(
    name: str, checkpoint: str, manifest: Json, config: Json, steps: Sequence[int]
) -> str:
    """The card of a revision.

    Args:
        name: the repository.
        checkpoint: the checkpoint's name in the study.
        manifest: its ``checkpoint.json``.
        config: its ``config.json``.
        steps: the updates of all revisions.
    """
    sizes = "\n".join(f"| {key} | {config[key]} |" for key in _SIZES if key in config)
    hashes = "\n".join(f"| `{file}` | `{digest}` |" for file, digest in manifest["sha256"].items())
    step = manifest["step"]
    return f"""---
library_name: transformers
tags: [pretraining-trajectory, intrinsic-dimension]
---
# {name} at update {step}

One checkpoint of a pretraining, `{checkpoint}` of its study. Each has a revision: {_listed(steps)}.
`main` is the last one. d90 of fine-tuning each of them, and the fine-tuned tasks, are in the data
set [{name}-d90](https://huggingface.co/datasets/{name}-d90).

```python
AutoModel.from_pretrained("{name}", revision="step{step}")
```

| {config.get("model_type", "model")} | |
|---|---|
{sizes}

| file | SHA-256 |
|---|---|
{hashes}

To measure the whole trajectory again:

```yaml
trajectory:
  source: hub
  suite: {{id: "{name}", revision: "step{{step}}"}}
```
"""


def dataset_card(name: str, steps: Sequence[int], tasks: Sequence[str]) -> str:
    """The card of the data set of a study's results; ``tasks`` are the task vectors' places."""
    listed = "\n".join(f"- `tasks/{task}/task.safetensors`" for task in tasks) or "- none"
    return f"""---
tags: [intrinsic-dimension]
configs:
- config_name: cells
  data_files: cells.csv
- config_name: probes
  data_files: probes.csv
---
# d90 along {name}

`cells.csv` has a row a checkpoint and task, `probes.csv` a row a subspace training. The checkpoints
are the revisions {_listed(steps)} of [{name}](https://huggingface.co/{name}).

A task vector is a fine-tuned task as d numbers, a seed and the hash of its checkpoint:

{listed}
"""


def _listed(steps: Sequence[int]) -> str:
    return ", ".join(f"`step{step}`" for step in steps)
