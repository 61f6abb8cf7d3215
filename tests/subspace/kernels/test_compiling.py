"""The kernels compile for a GPU (sm_90) on a machine without one; the interpreter cannot tell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from pipeline.subspace.kernels import block, layers_in_tile, passes

TYPES = dict.fromkeys(["size", "tiles", "begun", "count"], "i32")
TYPES |= dict.fromkeys(["order_key", "diagonal_key", "first", "stop", "offsets", "owners"], "*i32")
TYPES |= {"quantiles": "*fp16", "starts": "*i64", "origin": "*bf16", "out": "*bf16"}
KERNELS = [
    (block.displace, {"NORMAL": True, "ROWS": 4, "LENGTH": 64}),
    (block.pull_back, {"NORMAL": True, "ROWS": 4, "LENGTH": 64}),
    (passes.mix_columns, {"NORMAL": True, "COLUMNS": 8, "HIGH": 32, "LOW": 32}),
    (passes.collect_columns, {"NORMAL": False, "COLUMNS": 8, "HIGH": 32, "LOW": 32}),
    (passes.displace_rows, {"ROWS": 8, "HIGH": 32, "LOW": 32}),
    (passes.pull_rows, {"ROWS": 8, "HIGH": 32, "LOW": 32}),
    (layers_in_tile.add_up, {"WIDTH": 64}),
]
for kernel, shape in KERNELS:
    signature = {name: TYPES.get(name, "*fp32") for name in kernel.arg_names}
    signature |= dict.fromkeys(shape, "constexpr")
    if kernel is layers_in_tile.add_up:
        signature["out"] = "*fp32"
    constants = {(kernel.arg_names.index(name),): value for name, value in shape.items()}
    source = ASTSource(kernel, signature, constexprs=constants)
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 1})
    assert len(made.asm["cubin"]) > 1000, kernel
    print(kernel.__name__)
"""


def test_every_kernel_compiles_for_a_gpu(tmp_path: Path) -> None:
    pytest.importorskip("triton", reason="the kernels need triton, which torch for CPUs lacks")
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path)}
    environment.pop("TRITON_INTERPRET", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 7
