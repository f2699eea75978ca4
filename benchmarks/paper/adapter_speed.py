"""Measures one batch for eight tasks with adapters against branches on one trunk, in one process and in turn.

Adapters run all layers once for each task; the branches are those of a mixed model of the paper's size, 33 of
96 layers, or for a BERT of six layers that of docs/RESULTS.md. Weights are random, for time depends on none.
What comes before the first adapter is the same for all tasks, and TensorFlow may compute it once.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.harness.alternation import alternate, median, ratio
from centrabert import command
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, read
from centrabert.merge.plan import MergePlan
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig

if TYPE_CHECKING:
    import numpy.typing as npt
    import tensorflow.compat.v1 as tf


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    bert_dir: Path = flag("Folder with the bert_config.json of the encoder: of 12 layers, or of 6.")
    forms: tuple[str, ...] = flag("Shapes of the batches, as ROWSxLENGTH, separated by commas.", ("8x128",))
    adapter_size: int = flag("Width of the adapters.", 64, lower_bound=1)
    rounds: int = flag("Number of times that each side is measured.", 11, lower_bound=1)


FLAGS = define(Run)


def main() -> None:
    run(read(Run, FLAGS))


def run(run: Run) -> None:
    """Prints what both sides compute and store, and their medians and ratio for each form."""
    config = BertConfig.from_json_file(run.bert_dir / "bert_config.json")
    batches = {form: _ids(form, config) for form in run.forms}
    branches = _branches(config, run.bert_dir)
    sides = {
        "adapters": [Branch.with_adapters(each.task, run.adapter_size, config) for each in branches],
        "branches": branches,
    }
    plans = {name: MergePlan(config, tuple(side)) for name, side in sides.items()}
    for name, plan in plans.items():
        print(f"{name}: {plan.layers} of {plan.separate_layers} layers, {plan.parameters:,} parameters")
    sessions = {name: _session(plan, config) for name, plan in plans.items()}
    for form, ids in batches.items():
        found = alternate({name: partial(each, ids) for name, each in sessions.items()}, run.rounds)
        medians = ", ".join(f"{name} {median(found, name):.0f} ms" for name in found)
        print(f"{form}: {medians}: {ratio(found, 'adapters', 'branches'):.2f} times", flush=True)


def _branches(config: BertConfig, source: Path) -> Sequence[Branch]:
    """The mixed model for so many layers, by task name."""
    from benchmarks.harness.random_models import SHAPES, mixed

    for shape, (layers, *_) in SHAPES.items():
        if layers == config.num_hidden_layers:
            return sorted(mixed(shape), key=lambda branch: branch.task.name)
    known = " or ".join(str(layers) for layers, *_ in SHAPES.values())
    raise UserError(f"--bert_dir={source}: has {config.num_hidden_layers} layers, wanted {known}")


def _ids(form: str, config: BertConfig) -> "npt.NDArray[Any]":
    """Random word pieces in the shape ROWSxLENGTH, int32."""
    import numpy as np

    if not (shape := re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", form)):
        raise UserError(f"--forms: {form!r} is not of the form ROWSxLENGTH, as in 8x128")
    rows, length = int(shape[1]), int(shape[2])
    if length > config.max_position_embeddings:
        raise UserError(f"--forms: {form}: is longer than {config.max_position_embeddings}, the positions")
    return np.random.default_rng(0).integers(1, config.vocab_size, [rows, length], np.int32)


def _session(plan: MergePlan, config: BertConfig) -> "Callable[[npt.NDArray[Any]], object]":
    """Runs all tasks of a plan on a batch of ids."""
    import tensorflow.compat.v1 as tf

    with tf.Graph().as_default():
        ids = tf.placeholder(tf.int32, [None, None])
        logits = _logits(ids, plan, config)
        session = tf.Session()
        session.run(tf.global_variables_initializer())
        run: Callable[[Any], object] = session.make_callable([each.op for each in logits], [ids])
    return run


def _logits(ids: "tf.Tensor", plan: MergePlan, config: BertConfig) -> "list[tf.Tensor]":
    """The answers of all tasks, on one trunk as deep as the plan's."""
    import tensorflow.compat.v1 as tf

    from centrabert.modeling.layers.adapter import Adapter
    from centrabert.modeling.layers.attention import attention_mask
    from centrabert.modeling.layers.encoder import embed, encode
    from centrabert.modeling.layers.heads import apply_head

    mask = attention_mask(ids, padding_id=0)
    trunk, logits = [embed(ids, tf.zeros_like(ids), config)], []
    for layer in range(plan.trunk_depth):
        trunk.append(encode(trunk[-1], mask, config, [layer]))
    for branch in plan.branches:
        adapter = Adapter(branch.adapter_size) if branch.adapter_size else None
        own = range(branch.frozen, branch.depth)
        with tf.variable_scope("", reuse=tf.AUTO_REUSE, custom_getter=_owned_by(branch)):
            x = encode(trunk[branch.frozen], mask, config, own, first_only=True, adapter=adapter)
            logits.append(apply_head(x, mask, branch.task, config).logits)
    return logits


def _owned_by(branch: Branch) -> "Callable[..., tf.Variable]":
    """A variable getter that names what the branch owns after its task; all branches share the rest."""

    def custom_getter(getter: "Callable[..., tf.Variable]", name: str, **arguments: Any) -> "tf.Variable":
        return getter(f"{branch.task.name}/{name}" if branch.owns(name) else name, **arguments)

    return custom_getter


if __name__ == "__main__":
    command.run(main, FLAGS)
