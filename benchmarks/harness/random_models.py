"""Models of random weights in real sizes: to measure speed on, which depends on no weight."""

import shutil
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from centrabert.export.contract.version_folder import VARIABLES
from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.export_version import export
from centrabert.export.graph.saved_model import write_graph
from centrabert.merge.merge_branches import merge
from centrabert.merge.merged_folder import CHECKPOINT, golden_file, read_manifest
from centrabert.merge.store.shards import Shard, join
from centrabert.modeling import branch_folder, checkpoint, scopes
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.config import BertConfig
from centrabert.modeling.digest import tensor_digests
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.golden import golden_of
from centrabert.modeling.golden_file import write_golden
from centrabert.modeling.task import TaskSpec

# Name: layers, hidden size, heads, gelu: Google's is the tanh form, MiniLM's the exact one. The vocabulary is
# BERT's in both.
SHAPES = {"bert-base": (12, 768, 12, "gelu"), "minilm": (6, 384, 12, "gelu_exact")}
# (shared, own) layers of eight tasks. BERT base: the paper's L, and own layers to make up its 33. MiniLM: the
# optimum of docs/RESULTS.md for 19 layers.
MIXED = {
    "bert-base": {
        "qnli": (2, 3),
        "rte": (7, 5),
        "qqp": (2, 2),
        "mnli": (4, 3),
        "sst2": (6, 1),
        "mrpc": (7, 3),
        "cola": (4, 8),
        "stsb": (4, 1),
    },
    "minilm": {
        "qnli": (2, 3),
        "rte": (4, 1),
        "qqp": (3, 1),
        "mnli": (3, 2),
        "sst2": (3, 2),
        "mrpc": (3, 2),
        "cola": (3, 2),
        "stsb": (2, 2),
    },
}
SINGLE = frozenset(["sst2", "cola"])
SENTENCES = ("a dog sees the small bird by the river", "the old woman likes this house", "it is good")


def task(name: str) -> TaskSpec:
    """A GLUE task, or a copy of one such as rte_3; of MNLI three labels, of STS-B a score."""
    base = name.split("_")[0]
    kind = "regression" if base == "stsb" else "classification"
    labels = () if kind == "regression" else ("a", "b", "c") if base == "mnli" else ("no", "yes")
    metric = "pearson" if kind == "regression" else "accuracy"
    return TaskSpec(name=name, kind=kind, labels=labels, pair=base not in SINGLE, metric=metric)


def config_of(shape: str, vocab_size: int) -> BertConfig:
    """The bert_config.json of one of SHAPES."""
    layers, hidden, heads, hidden_act = SHAPES[shape]
    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden,
        hidden_act=hidden_act,
        hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1,
        max_position_embeddings=512,
        type_vocab_size=2,
        initializer_range=0.02,
    )


def bert(folder: Path, shape: str, vocabulary: Path) -> Path:
    """Writes a BERT folder of one of SHAPES; returns `folder`."""
    config = config_of(shape, len(vocabulary.read_text(encoding="utf-8").splitlines()))
    folder.mkdir(parents=True)
    (folder / "bert_config.json").write_text(dump(config.to_json()))
    (folder / "vocab.txt").write_bytes(vocabulary.read_bytes())
    checkpoint.write(folder / "bert_model.ckpt", _weights(scopes.base_shapes(config), "base"))
    return folder


def mixed(shape: str, copies: int = 1) -> list[Branch]:
    """The eight tasks, each at its own depth and so many times: rte, rte_1, rte_2..."""
    return [
        Branch(task(f"{name}_{copy}" if copy else name), frozen=frozen, tuned=own)
        for name, (frozen, own) in MIXED[shape].items()
        for copy in range(copies)
    ]


def full(name: str, shape: str, pooling: str = "cls") -> Branch:
    """A task with a whole BERT of its own."""
    return Branch(replace(task(name), pooling=pooling), frozen=0, tuned=SHAPES[shape][0])


def export_model(folder: Path, base: Path, branches: Sequence[Branch]) -> Path:
    """Branches of random weights on `base`, merged and exported; returns the version's folder."""
    folders = [_branch(folder / "branches" / branch.task.name, base, branch) for branch in branches]
    merge(base, folders, folder / "merged")
    _write_goldens(folder / "merged", base)
    return export(folder / "merged", folder / "serving", 1)


def students(shape: str, tasks: int) -> list[Branch]:
    """So many tasks of `mixed` with one own layer each."""
    return [replace(branch, tuned=1) for branch in mixed(shape, -(-tasks // 8))][:tasks]


def answering_branches(folder: Path, base: Path, branches: Sequence[Branch], seed: str = "") -> list[Path]:
    """Branches of random weights that know their own answers; copies of a task have its weights.

    Args:
      seed: Branches of another one have other weights.
    """
    folders: list[Path] = []
    goldens: dict[str, Path] = {}
    for branch in branches:
        original = branch.task.name.split("_")[0]
        folders.append(_branch(folder / branch.task.name, base, branch, original + seed))
        if original not in goldens:
            with TemporaryDirectory() as alone:
                merged = Path(alone) / "merged"
                merge(base, folders[-1:], merged)
                _write_goldens(merged, base)
                goldens[original] = folders[-1] / branch_folder.GOLDEN
                shutil.copyfile(golden_file(merged, branch.task.name), goldens[original])
        else:
            shutil.copyfile(goldens[original], folders[-1] / branch_folder.GOLDEN)
    return folders


def _branch(folder: Path, base: Path, shape: Branch, seed: str = "") -> Path:
    config, tokenizer = BertFolder.at(base).config(), BertFolder.at(base).tokenizer()
    folder.mkdir(parents=True)
    owned = _weights(shape.owned_shapes(config), seed or shape.task.name)
    checkpoint.write(folder / branch_folder.CHECKPOINT, owned)
    record = BranchRecord(
        branch=shape,
        config=config,
        trunk=tensor_digests(BertFolder.at(base).read(shape.shared_names(config))),
        variables=tensor_digests(owned),
        vocabulary_digest=tokenizer.digest,
        do_lower_case=tokenizer.do_lower_case,
        metrics={shape.task.metric: 0.5},
        hyperparameters={},
        teacher_digest=None if shape.depth == config.num_hidden_layers else "0" * 64,
    )
    (folder / branch_folder.RECORD).write_text(dump(record.to_json()))
    nothing = {"label": np.array([b""]), "probabilities": np.zeros([1, len(shape.task.labels)])}
    answer = {"score": np.zeros([1])} if shape.task.kind == "regression" else nothing
    write_golden(folder / branch_folder.GOLDEN, golden_of(shape.task, SENTENCES[:1], ("",), answer))
    return folder


def _write_goldens(merged: Path, base: Path) -> None:
    """What the merged model answers; a branch of random weights was never asked anything."""
    manifest = read_manifest(merged)
    text_a, text_b = (np.array(SENTENCES, np.object_) for _ in range(2))
    with TemporaryDirectory() as folder:
        tokenizer = BertFolder.at(base).tokenizer(manifest.do_lower_case)
        write_graph(Path(folder), manifest, tokenizer)
        (Path(folder) / VARIABLES).parent.mkdir()
        join([Shard.of(merged / CHECKPOINT)], Path(folder) / VARIABLES)
        with Predictor(Path(folder)) as predictor:
            for branch in manifest.plan.branches:
                spec = branch.task
                inputs = {"text_a": text_a, **({"text_b": text_b} if spec.pair else {})}
                found = predictor.predict(spec.name, inputs)
                second = SENTENCES if spec.pair else ("",) * len(SENTENCES)
                write_golden(golden_file(merged, spec.name), golden_of(spec, SENTENCES, second, found))


def _weights(shapes: Mapping[str, scopes.Shape], seed: str) -> Mapping[str, npt.NDArray[np.float32]]:
    """As BERT starts: normal with deviation 0.02, layer norms 1."""
    random = np.random.default_rng(zlib.crc32(seed.encode()))
    return {
        name: np.float32(name.endswith("gamma")) + 0.02 * random.standard_normal(shape, np.float32)
        for name, shape in shapes.items()
    }
