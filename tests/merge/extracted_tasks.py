"""Tasks of several kinds extracted from a merged model, and what their models compute, in NumPy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy_bert
import tensorflow as tf
import tiny

from centrabert.merge.merge_branches import merge
from centrabert.merge.task_extraction import of_merged
from centrabert.modeling import branch_folder, checkpoint, scopes
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.golden_file import read_golden
from centrabert.modeling.migration.task_folder import write
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.words.word_packing import pack_words
from centrabert.modeling.words.word_places import FIRST_PIECE
from centrabert.modeling.words.words import split_words

Array = np.ndarray[Any, Any]
TOPICS = tiny.task("topics", "multilabel", labels=("sea, sun", "a|b", "*"), pair=False, metric="macro_f1")
# A pair and single texts, shallow and as deep as the base, one that shares nothing but the embeddings.
BRANCHES = (
    Branch(tiny.task("near", "regression"), frozen=4, tuned=1),
    Branch(tiny.task("rte"), frozen=3, tuned=1),
    Branch(tiny.task("slots", "tagging"), frozen=1, tuned=2),
    Branch(TOPICS, frozen=0, tuned=1),
)
TASKS = [branch.task.name for branch in BRANCHES]


def folders(root: Path) -> Path:
    """Writes base, branches/TASK, merged, and google/TASK and huggingface/TASK, extracted from merged."""
    base = tiny.bert_folder(root / "base")
    merge(base, tiny.branches(root / "branches", base, BRANCHES), root / "merged")
    for task in TASKS:
        for to in ("google", "huggingface"):
            write(of_merged(root / "merged", task), to, root / to / task)
    return root


def variables(root: Path, branch: Branch) -> dict[str, Array]:
    """What the branch computes with, from base and branch folder."""
    owned = checkpoint.read(root / "branches" / branch.task.name / branch_folder.CHECKPOINT)
    return {**BertFolder.at(root / "base").read(branch.shared_names(tiny.CONFIG)), **owned}


def numpy_logits(root: Path, config: BertConfig, weights: Mapping[str, Array], spec: TaskSpec) -> Array:
    """Of the golden texts, computed apart from our graph: [rows, labels], of a tagging [words, labels]."""
    tokenizer = BertFolder.at(root / "base").tokenizer()
    if not spec.split:
        text_b = tiny.TEXT_B if spec.pair else [""] * len(tiny.TEXT_A)
        ids, segments = tokenizer.encode(tiny.TEXT_A, text_b, spec.max_seq_length)
        read = numpy_bert.forward(config, weights, ids.numpy(), segments.numpy())["first"]
    else:
        words = split_words(tf.constant(tiny.TEXT_A), spec.split)
        packed = pack_words(tokenizer, words, spec.max_seq_length)
        places = packed.places.numpy()[:, :, FIRST_PIECE]
        unread = {name: np.zeros(shape) for name, shape in scopes.pooler_shapes(config).items()}
        top = numpy_bert.forward(
            config, weights | unread, packed.input_ids.numpy(), packed.segment_ids.numpy()
        )["depths"][-1]
        rows, columns = np.nonzero(places > 0)
        read = top[rows, places[rows, columns]]
    return read @ weights["output_weights"].T + weights["output_bias"]


def assert_golden(folder: Path, spec: TaskSpec, logits: Array) -> None:
    """The logits are those of the golden answers that the folder holds."""
    outputs = read_golden(folder / "golden.json", spec).outputs
    softmax = numpy_bert.softmax(logits)
    if spec.kind == "regression":
        answers, golden = logits[:, 0], outputs["score"]
    elif spec.kind == "tagging":
        answers, golden = softmax.max(-1), outputs["tag_scores"][outputs["tags"] != ""]
    else:
        answers = softmax if spec.kind == "classification" else 1 / (1 + np.exp(-logits))
        golden = outputs["probabilities"]
    assert answers.shape == golden.shape
    assert np.abs(answers - golden).max() < 1e-5
