"""Wrote tests/formats/78db6b1: run with a checkout of that commit, whose modules it imports.

    cd CHECKOUT && PYTHONPATH=.:tests python .../tests/formats/write_78db6b1.py .../tests/formats/78db6b1

A search of that commit knows its BERT and its data by their absolute paths, so everything is made in ROOT.
"""

import dataclasses
import json
import os
import shutil
import sys
from pathlib import Path

os.environ.update(CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="1")

import numpy as np
import tensorflow as tf
import tiny
import tiny_glue

from centrabert import command, run_classifier
from centrabert.distill import run_distill
from centrabert.export import run_export
from centrabert.export.predictor import Predictor
from centrabert.merge import run_merge
from centrabert.modeling.golden import Golden
from centrabert.search import run_search

ROOT = Path("/tmp/centrabert-78db6b1")  # noqa: S108
CONFIG = dataclasses.replace(
    tiny.CONFIG, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=19
)
TRAINED = (
    *(f"--bert_dir={ROOT / 'bert'}", "--max_seq_length=13", "--learning_rate=3e-3", "--train_batch_size=7"),
    *("--eval_batch_size=5", "--num_train_epochs=2", "--seed=13"),
)
COMMANDS = (
    (
        run_classifier,
        *("--task_name=RTE", f"--data_dir={ROOT / 'glue/RTE'}", f"--output_dir={ROOT / 'rte'}", *TRAINED),
        *("--fine_tuning_layers=2", "--do_train", "--do_eval", "--do_predict"),
    ),
    (
        run_classifier,
        *(
            "--task_name=STS-B",
            f"--data_dir={ROOT / 'glue/STS-B'}",
            f"--output_dir={ROOT / 'stsb'}",
            *TRAINED,
        ),
        *("--fine_tuning_layers=1", "--pooling=mean", "--do_train", "--do_eval"),
    ),
    (
        run_classifier,
        *(
            "--task_name=RTE",
            f"--data_dir={ROOT / 'glue/RTE'}",
            f"--output_dir={ROOT / 'rte_full'}",
            *TRAINED,
        ),
        *("--full_fine_tuning", "--do_train", "--num_train_epochs=1"),
    ),
    (
        run_distill,
        *(f"--teacher={ROOT / 'rte'}", "--student_layers=1", f"--data_dir={ROOT / 'glue/RTE'}"),
        *(f"--output_dir={ROOT / 'rte_student'}", f"--bert_dir={ROOT / 'bert'}", "--learning_rate=3e-3"),
        *("--train_batch_size=7", "--eval_batch_size=5", "--num_train_epochs=2", "--seed=13"),
    ),
    (
        run_merge,
        *(f"--base={ROOT / 'bert'}", f"--branches={ROOT / 'rte_student'},{ROOT / 'stsb'}"),
        f"--output_dir={ROOT / 'merged'}",
    ),
    (run_export, f"--merged={ROOT / 'merged'}", f"--export_dir={ROOT / 'serving'}", "--version=1"),
)
SEARCH = (
    *(f"--bert_dir={ROOT / 'bert'}", f"--data_root={ROOT / 'glue'}", "--tasks=RTE"),
    *("--fine_tuning_layers=1,2", "--student_layers=1", "--learning_rates=3e-3", "--num_train_epochs=1"),
    *("--seeds=3", "--max_seq_length=13", "--train_batch_size=7", "--workers=1"),
    f"--output_dir={ROOT / 'search'}",
)


def main() -> None:
    shutil.rmtree(ROOT, ignore_errors=True)
    tiny.bert_folder(ROOT / "bert", config=CONFIG)
    tiny_glue.rte(ROOT / "glue/RTE")
    stsb(ROOT / "glue/STS-B")
    for script, *flags in (*COMMANDS, (run_search, *SEARCH, "--dry_run"), (run_search, *SEARCH)):
        code = command.status(script.main, script.FLAGS, [script.__name__, *flags])
        if code:
            sys.exit(f"{script.__name__} returned {code}")
    (ROOT / "answers.json").write_text(json.dumps(answers(), indent=2) + "\n")
    (ROOT / "machine.json").write_text(json.dumps(machine(), indent=2) + "\n")
    litter = ("activations", "training", "tf_serving", "report*", "job.log", "lock")  # nothing reads them
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    shutil.copytree(ROOT, sys.argv[1], ignore=shutil.ignore_patterns(*litter))


def answers() -> dict[str, dict[str, list[object]]]:
    """What the exported version answers to the texts of its goldens, by signature and output."""
    predictor, found = Predictor(ROOT / "serving/1"), {}
    for task in ("rte", "stsb"):
        golden = Golden.read(ROOT / "merged/golden" / f"{task}.json")
        texts = {"text_a": np.array(golden.text_a, object), "text_b": np.array(golden.text_b, object)}
        for signature in (task, "serving_default"):
            outputs = predictor.predict(signature, texts)
            found[f"{signature} of {task}"] = {
                name: [each.decode() if isinstance(each, bytes) else each for each in value.tolist()]
                for name, value in sorted(outputs.items())
            }
    return found


def machine() -> dict[str, object]:
    """What decides the bits, besides the seed."""
    (flags,) = {line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")}
    kinds = sorted(flag for flag in flags.split() if flag.startswith(("avx", "amx", "fma")))
    return {"tensorflow": tf.__version__, "numpy": np.__version__, "cpu": kinds}


def stsb(folder: Path) -> None:
    """Five times the share of words that both texts have."""
    folder.mkdir(parents=True)
    columns = "index genre filename year old_index source1 source2 sentence1 sentence2"
    for split, rows, seed in (("train", 37, 4), ("dev", 11, 5), ("test", 4, 6)):
        random = np.random.default_rng(seed)
        lines = ["\t".join(columns.split()) + "\tscore" * (split != "test")]
        for row in range(rows):
            a, b = (list(random.choice(tiny.WORDS, 4)) for _ in range(2))
            b[: row % 5] = a[: row % 5]
            score = f"\t{5 * len(set(a) & set(b)) / len(set(a) | set(b)):.3f}" * (split != "test")
            lines.append(f"{row}\tg\tf\t2017\t{row}\tnone\tnone\t{' '.join(a)}\t{' '.join(b)}{score}")
        (folder / f"{split}.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
