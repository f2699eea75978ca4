"""A checkpoint as the original CentraBERT code leaves it, its data, and what its graph computes, in NumPy."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy_bert
import tiny

from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.bert_folder import BertFolder

Array = np.ndarray[Any, Any]
OPTIMIZER = "AdamWeightDecayOptimizer"


def branch_tensors(scope: str, layers: Sequence[int], labels: int, softmax: bool = False) -> dict[str, Array]:
    """What a branch of the original owns: layers, from 0, and a head on [CLS] or, softmax, on each piece."""
    config, hidden = tiny.CONFIG, tiny.CONFIG.hidden_size
    shapes: dict[str, scopes.Shape] = {}
    for layer in layers:
        shapes |= scopes.layer_shapes(config, layer)
    if softmax:
        head = {"project_output_weights": (hidden, labels), "project_output_bias": (labels,)}
        shapes |= {f"softmax/{name}": shape for name, shape in head.items()}
    else:
        shapes |= scopes.pooler_shapes(config)
        shapes |= {"output_weights": (labels, hidden), "output_bias": (labels,)}
    named = {f"{scope}/{name}": shape for name, shape in shapes.items()}
    return {
        name: 2 * array if "output_weights" in name else array
        for name, array in tiny.tensors(named, 12).items()
    }


def write_checkpoint(prefix: Path, base: Path, *branches: Mapping[str, Array]) -> Path:
    """The whole trunk, the branches, what the optimiser keeps of them, and the step."""
    owned = {name: array for branch in branches for name, array in branch.items()}
    slots = {f"{name}/{OPTIMIZER}{end}": array + 1 for name, array in owned.items() for end in ("", "_1")}
    trunk = BertFolder.at(base).read()
    checkpoint.write(prefix, {**trunk, **owned, **slots, "global_step": np.array(382, np.int64)})
    return prefix


def logits(base: Path, branch: Mapping[str, Array], ids: Array, segments: Array) -> Array:
    """What the original's graph computes: [rows, labels], or with softmax [rows, length, labels]."""
    own = {
        "/".join(part for part in name.split("/") if part != "student").partition("/")[2]: array
        for name, array in branch.items()
    }
    depth = 1 + max(int(name.split("layer_")[1].split("/")[0]) for name in own if "layer_" in name)
    config = replace(tiny.CONFIG, num_hidden_layers=depth)
    read = numpy_bert.forward(config, BertFolder.at(base).read() | own, ids, segments)
    if "output_weights" in own:
        return read["first"] @ own["output_weights"].T + own["output_bias"]
    return read["depths"][-1] @ own["softmax/project_output_weights"] + own["softmax/project_output_bias"]


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """The original's data file: a line of JSON for each row."""
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path
