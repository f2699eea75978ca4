"""Our side of train_speed: the estimator as run_classifier uses it, pausing after every turn."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.branch_model import Optimization, model_fn_builder
from centrabert.modeling.training.estimator import Estimator, Params, RunConfig


class Turns(tf.train.SessionRunHook):
    """Waits for a word, lets a turn of steps pass, prints its seconds."""

    def __init__(self, steps: int) -> None:
        self._steps, self._done, self._start = steps, 0, 0.0

    def before_run(self, run_context: Any) -> None:
        if self._done % self._steps == 0:
            print("ready" if self._done == 0 else time.perf_counter() - self._start, flush=True)
            sys.stdin.readline()
            self._start = time.perf_counter()

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self._done += 1


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    scratch, task = Path(job["scratch"]), TaskSpec.from_json(job["task"])
    bert = BertFolder.at(scratch / "bert")
    config = bert.config()
    layers = config.num_hidden_layers
    if job["layers"] == "full":
        branch = Branch(task, 0, layers, full_fine_tuning=True)
    else:
        branch = Branch.teacher(task, int(job["layers"]), layers)
    names = {name: name for name in branch.shapes(config) if name.startswith("bert/")}
    optimization = Optimization(1e-4, 1000, 100, seed=0, bfloat16=sys.argv[2] == "bfloat16")
    padding_id = bert.tokenizer().padding_id
    model_fn = model_fn_builder(
        config, branch, {bert.checkpoint: names}, padding_id, optimization, aligned=True
    )
    batches = np.load(scratch / "batches.npz")
    names_of_features = [name.removeprefix("0/") for name in batches.files if name.startswith("0/")]

    def features(number: int) -> dict[str, Any]:
        return {name: batches[f"{number}/{name}"] for name in names_of_features}

    def input_fn(params: Params) -> "tf.data.Dataset":
        first = features(0)
        signature = {name: tf.TensorSpec([None] * array.ndim, array.dtype) for name, array in first.items()}
        numbers = range(job["batches"])
        return tf.data.Dataset.from_generator(
            lambda: (features(number) for number in numbers), output_signature=signature
        ).repeat()

    run = RunConfig(scratch / f"training-{time.time_ns()}", save_checkpoints_steps=10**9)
    Estimator(model_fn, run).train(input_fn, 10**9, [Turns(job["steps"])])


if __name__ == "__main__":
    main()
