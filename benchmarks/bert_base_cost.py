"""What fine-tuning BERT-base costs on this machine: seconds per step and peak memory, by tuned layers.

Trains a BERT with random weights on rows of random words, each of --max_seq_length word pieces, by the
command `centrabert fine-tune`, once with --steps steps and once with three times as many. The difference is
the time of the steps alone, without start-up. The frozen layers' single pass over the rows counts as the
rest. CPU seconds do not depend on what else the machine does.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import flags

from centrabert import command

FLAGS = flags.FlagValues()
flags.DEFINE_string("shape", "bert-base", "Shape of the BERT: bert-base or minilm.", flag_values=FLAGS)
flags.DEFINE_string(
    "vocab_file", "output/bert/vocab.txt", "A vocabulary of BERT's, such as MiniLM's.", flag_values=FLAGS
)
flags.DEFINE_list(
    "layers", ["4", "full"], "Numbers of top layers to train, or full for every variable.", flag_values=FLAGS
)
flags.DEFINE_integer("train_batch_size", 32, "Number of rows in a training batch.", flag_values=FLAGS)
flags.DEFINE_integer("max_seq_length", 128, "Number of word pieces in every row.", flag_values=FLAGS)
flags.DEFINE_integer("steps", 5, "Number of training steps of the shorter run.", 1, flag_values=FLAGS)


class Cost(NamedTuple):
    """Of one process."""

    seconds: float
    cpu_seconds: float
    gigabytes: float


def main() -> None:
    from benchmarks.harness.random_models import bert

    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        base = bert(root / "bert", FLAGS.shape, Path(FLAGS.vocab_file))
        data = _data(root / "RTE", base / "vocab.txt")
        for layers in FLAGS.layers:
            short, long = (
                _train(root / f"{layers}_{epochs}", base, data, layers, epochs) for epochs in (1, 3)
            )
            step, cpu = (
                (after - before) / (2 * FLAGS.steps)
                for before, after in zip(short[:2], long[:2], strict=True)
            )
            rest = short.cpu_seconds - FLAGS.steps * cpu
            print(
                f"{FLAGS.shape}, {layers} layers, batch {FLAGS.train_batch_size} x {FLAGS.max_seq_length}: "
                f"{step:.2f} s, {cpu:.2f} CPU s per step; {rest:.0f} CPU s besides; {long.gigabytes:.1f} GB"
            )


def _data(folder: Path, vocabulary: Path) -> Path:
    """An RTE folder of rows that fill `max_seq_length`: pairs of words that are one word piece each."""
    random = np.random.default_rng(0)
    words = [
        word
        for word in vocabulary.read_text(encoding="utf-8").splitlines()
        if word.isalpha() and word.isascii()
    ]
    folder.mkdir()
    for split, rows in (("train", FLAGS.steps * FLAGS.train_batch_size), ("dev", 4)):
        lines = ["index\tsentence1\tsentence2\tlabel"]
        for row in range(rows):
            a, b = (" ".join(random.choice(words, FLAGS.max_seq_length // 2)) for _ in range(2))
            lines.append(f"{row}\t{a}\t{b}\t{('entailment', 'not_entailment')[row % 2]}")
        (folder / f"{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _train(output_dir: Path, base: Path, data: Path, layers: str, epochs: int) -> Cost:
    """Fine-tunes in a process of its own."""
    own = ["--full_fine_tuning"] if layers == "full" else [f"--fine_tuning_layers={layers}"]
    settings = {name: FLAGS[name].value for name in ("train_batch_size", "max_seq_length")}
    start = time.perf_counter()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "centrabert", "fine-tune", "--task_name=rte", "--do_train", *own),
            *(f"--data_dir={data}", f"--bert_dir={base}", f"--output_dir={output_dir}"),
            *(f"--num_train_epochs={epochs}", f"--save_checkpoints_steps={3 * FLAGS.steps}"),
            *(f"--{name}={value}" for name, value in settings.items()),
        ],
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise OSError(f"fine-tuning ended with status {status}")
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Cost(time.perf_counter() - start, cpu_seconds, usage.ru_maxrss / 1e6)


if __name__ == "__main__":
    command.run(main, FLAGS)
