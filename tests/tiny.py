"""Joke-sized models for tests: a BERT folder, branches on it, and a single-task forward pass.

Every size is another number and every weight is seeded by its name, so that no swap can hide.
"""

import shutil
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow.compat.v1 as tf
from session import session
from tiny_config import CONFIG

from centrabert.modeling import branch_folder, checkpoint, scopes
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord, read_record
from centrabert.modeling.config import BertConfig
from centrabert.modeling.digest import tensor_digests
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.golden import Golden, golden_of
from centrabert.modeling.golden_file import write_golden
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import CLASS
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.encoder import embed, encode
from centrabert.modeling.layers.heads import apply_head
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.words.word_packing import pack_words
from centrabert.modeling.words.words import split_words

MAX_SEQ_LENGTH = 13
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
WORDS = (
    *("the", "this", "one", "two", "man", "woman", "dog", "cat", "bird", "eats", "sees", "likes", "finds"),
    *("red", "green", "blue", "small", "large", "old", "new", "house", "tree", "river", "road", "in", "on"),
    *("under", "is", "was", "not", "and", "or", "but", "very", "good", "bad", "fine", "dull", "film"),
    *("book", "song", "today"),
)
TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{x}" for x in LETTERS), *WORDS)
VOCABULARY = {"vocab.txt": "".join(f"{token}\n" for token in TOKENS).encode()}
TEXT_A = (
    "The dog sees a small bird",
    "not very good",
    "one",
    "",
    "the old woman likes the blue house by the",
)
TEXT_B = (
    "a cat finds the river",
    "",
    "two men, or three",
    "fine",
    "the very small dog is under the red tree",
)
Array = npt.NDArray[Any]


def task(name: str, kind: str = "classification", **keys: Any) -> TaskSpec:
    """A pair task with two labels unless `keys` say otherwise; of a tagging, one of single texts in BIO."""
    metric, labels = ("pearson", ()) if kind == "regression" else ("accuracy", ("no", "yes"))
    if kind.endswith("tagging"):
        metric, labels = "entity_f1", ("O", "B-one", "I-one", "B-two", "I-two")
        keys = {"pair": False, "split": "whitespace", **keys}
    return TaskSpec(
        **{
            "name": name,
            "kind": kind,
            "labels": labels,
            "pair": True,
            "metric": metric,
            "max_seq_length": MAX_SEQ_LENGTH,
            **keys,
        }
    )


# Kinds, poolings, depths, teachers (frozen + tuned = 5) and students; one name is the prefix of another.
BRANCHES = (
    Branch(task("rte"), frozen=3, tuned=2),
    Branch(task("rte2", labels=("a", "b", "c"), pooling="mean", pair=False), frozen=2, tuned=1),
    Branch(task("sim", "regression", pooling="mean"), frozen=4, tuned=1),
    Branch(task("tone", labels=("bad", "dull", "fine", "good"), pair=False), frozen=0, tuned=5),
    Branch(task("whole", "regression", pair=False), frozen=1, tuned=3),
)


def tensors(shapes: Mapping[str, scopes.Shape], seed: int) -> checkpoint.Tensors:
    """Random weights that depend on name and seed alone, large enough for answers to differ."""
    return {name: _weights(name, shape, seed) for name, shape in shapes.items()}


def _weights(name: str, shape: scopes.Shape, seed: int) -> npt.NDArray[np.float32]:
    random = np.random.default_rng([seed, zlib.crc32(name.encode())])
    around = 1.0 if name.endswith("gamma") else 0.0
    spread = 0.5 if name == "output_weights" else 0.2  # texts get different labels
    return (around + spread * random.standard_normal(shape)).astype(np.float32)


def bert_folder(
    folder: Path, seed: int = 0, config: BertConfig = CONFIG, assets: Mapping[str, bytes] = VOCABULARY
) -> Path:
    """Writes a pretrained BERT with random weights; returns `folder`.

    Args:
      assets: The files of its tokenizer.
    """
    folder.mkdir(parents=True)
    (folder / "bert_config.json").write_text(dump(config.to_json()))
    for name, content in assets.items():
        (folder / name).write_bytes(content)
    for file in _checkpoint(config, seed).iterdir():
        shutil.copyfile(file, folder / file.name)
    return folder


@cache
def _checkpoint(config: BertConfig, seed: int) -> Path:
    """A folder with the checkpoint of such a BERT, which costs too much to be written for every test."""
    folder = Path(session.enter_context(TemporaryDirectory()))
    weights = tensors(scopes.base_shapes(config), seed)
    pretraining = {"cls/seq_relationship/output_bias": np.arange(2, dtype=np.float32)}
    checkpoint.write(folder / "bert_model.ckpt", {**weights, **pretraining})
    return folder


def branch(folder: Path, base: Path, shape: Branch, seed: int = 1, golden: bool = True, **keys: Any) -> Path:
    """Writes a branch of random weights on `base`; returns `folder`.

    Args:
      golden: Write the true golden answers, which cost a second to compute; else some that no model gives.
      keys: Fields of BranchRecord to write instead of the right ones.
    """
    folder.mkdir(parents=True)
    bert = BertFolder.at(base)
    tokenizer = bert.tokenizer(keys.get("do_lower_case", True))
    owned = tensors(shape.owned_shapes(bert.config()), seed)
    checkpoint.write(folder / branch_folder.CHECKPOINT, owned)
    record = BranchRecord(
        **{
            "branch": shape,
            "config": bert.config(),
            "trunk": _trunk(bert, shape),
            "variables": tensor_digests(owned),
            "vocabulary_digest": tokenizer.digest,
            "do_lower_case": tokenizer.do_lower_case,
            "metrics": {shape.task.metric: 0.125 * (seed + shape.frozen)},
            "hyperparameters": {"seed": seed, "learning_rate": 1e-4},
            "teacher_digest": None if shape.depth == bert.config().num_hidden_layers else "5" * 64,
            **keys,
        }
    )
    (folder / branch_folder.RECORD).write_text(dump(record.to_json()))
    answers = _golden(base, folder, shape.task, tokenizer) if golden else _any_golden(shape.task)
    write_golden(folder / branch_folder.GOLDEN, answers)
    return folder


def _golden(base: Path, folder: Path, spec: TaskSpec, tokenizer: Tokenizer) -> Golden:
    """What the branch's own model answers."""
    text_b = TEXT_B if spec.pair else ("",) * len(TEXT_A)
    places = None
    if spec.split:
        packed = pack_words(tokenizer, split_words(tf.constant(TEXT_A), spec.split), spec.max_seq_length)
        ids, segments, places = packed.input_ids, packed.segment_ids, packed.places.numpy()
    else:
        ids, segments = tokenizer.encode(TEXT_A, text_b, spec.max_seq_length)
    outputs = single_task(base, folder, ids.numpy(), segments.numpy(), places)
    return golden_of(spec, TEXT_A, text_b, outputs)


def _any_golden(spec: TaskSpec) -> Golden:
    """One row of the right shape."""
    sizes = {CLASS: len(spec.labels)}
    outputs = {
        output.name: np.full([1, *map(sizes.get, output.axes)], b"no" if output.dtype == "string" else 0.25)
        for output in KINDS[spec.kind].outputs
    }
    return golden_of(spec, ("one",), ("two",), outputs)


def _trunk(bert: BertFolder, shape: Branch) -> dict[str, str]:
    shared = shape.shared_names(bert.config())
    return tensor_digests(bert.read(shared)) if shared else {}


def branches(
    folder: Path, base: Path, shapes: Sequence[Branch] = BRANCHES, golden: bool = True
) -> list[Path]:
    """Writes one branch folder for each of `shapes`, all weights of their own."""
    return [
        branch(folder / shape.task.name, base, shape, seed, golden) for seed, shape in enumerate(shapes, 1)
    ]


def single_task(
    base: Path, folder: Path, input_ids: Array, segment_ids: Array, places: Array | None = None
) -> dict[str, Array]:
    """The answers of one branch alone: every layer in one go, at the root scope."""
    bert, shape = BertFolder.at(base), read_record(folder).branch
    config, padding_id = bert.config(), bert.tokenizer().padding_id
    with tf.Graph().as_default(), tf.Session() as session:
        fed = [tf.placeholder(tf.int32, [None, None]) for _ in range(2)]
        ids, segments = (tf.ensure_shape(tensor, [None, None]) for tensor in fed)
        first_only = shape.task.reads == "cls"
        layers, x = range(shape.depth), embed(ids, segments, config)
        mask = attention_mask(ids, padding_id)
        x = encode(x, mask, config, layers, first_only=first_only)
        head = apply_head(x, mask, shape.task, config, places=None if places is None else tf.constant(places))
        outputs = KINDS[shape.task.kind].output_tensors(head, shape.task.labels)
        weights = checkpoint.read(folder / branch_folder.CHECKPOINT)
        if shared := shape.shared_names(config):
            weights.update(bert.read(shared))
        load(session, weights)
        answers: dict[str, Array] = session.run(
            outputs, dict(zip(fed, (input_ids, segment_ids), strict=True))
        )
    return answers


def load(session: tf.Session, weights: checkpoint.Tensors) -> None:
    """Sets every variable of the session's graph by its name; each must be in `weights`, and no other."""
    variables = {variable.op.name: variable for variable in tf.global_variables()}
    assert variables.keys() == weights.keys()
    starts = {name: variable.initializer for name, variable in variables.items()}
    session.run(list(starts.values()), {start.inputs[1]: weights[name] for name, start in starts.items()})


def random_ids(rows: int, length: int, seed: int) -> tuple[Array, Array]:
    """int32 [rows, length] ids and segment ids of random lengths, zero-padded; the first row is full."""
    random = np.random.default_rng(seed)
    lengths = np.append(length, random.integers(3, length + 1, rows - 1))
    real = np.arange(length) < lengths[:, None]
    ids = np.where(real, random.integers(1, CONFIG.vocab_size, [rows, length]), 0)
    segments = np.where(real, np.arange(length) >= lengths[:, None] // 2, 0)
    return ids.astype(np.int32), segments.astype(np.int32)
