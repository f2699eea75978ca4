"""What it costs that a task of single texts reads text_a alone: two exports of one model, asked in turn.

    PYTHONPATH=. python -m benchmarks.two_readings --make --export_dir=/tmp/after    # in each of two commits
    PYTHONPATH=. python -m benchmarks.two_readings --before=/tmp/before/1 --after=/tmp/after/1

One process, sides in turn, medians. The model has the eight tasks of GLUE, six of pairs and
two of single texts, with random weights.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from absl import flags

from benchmarks.harness.alternation import alternate, median, ratio
from centrabert import command

FLAGS = flags.FlagValues()
flags.DEFINE_bool("make", False, "Export the model, and measure nothing.", flag_values=FLAGS)
flags.DEFINE_string("export_dir", None, "Folder to write the model into, with --make.", flag_values=FLAGS)
flags.DEFINE_string("shape", "minilm", "Shape of the model: minilm or bert-base.", flag_values=FLAGS)
flags.DEFINE_string(
    "vocabulary", "output/bert/vocab.txt", "Path of a vocab.txt, such as MiniLM's.", flag_values=FLAGS
)
flags.DEFINE_string(
    "before", None, "Folder of the version that the older commit exported.", flag_values=FLAGS
)
flags.DEFINE_string("after", None, "Folder of the version that the newer commit exported.", flag_values=FLAGS)
flags.DEFINE_integer("rounds", 21, "Number of times that each side is measured.", flag_values=FLAGS)
FORMS = ((1, 12), (8, 12), (8, 60))  # rows, words of each text


def main() -> None:
    if FLAGS.make:
        return _make(Path(FLAGS.export_dir))
    for line in _measured():
        print(line, flush=True)
    return None


def _make(export_dir: Path) -> None:
    from benchmarks.harness import random_models

    with tempfile.TemporaryDirectory() as folder:
        base = random_models.bert(Path(folder) / "bert", FLAGS.shape, Path(FLAGS.vocabulary))
        version = random_models.export_model(Path(folder) / "model", base, random_models.mixed(FLAGS.shape))
        version.parent.rename(export_dir)


def _measured() -> Iterator[str]:
    from centrabert.export.engine.tensorflow_engine import Predictor

    predictors = {"before": Predictor(Path(FLAGS.before)), "after": Predictor(Path(FLAGS.after))}
    for rows, words in FORMS:
        for pairs in sorted({0, rows // 2, rows}):
            texts = _texts(rows, words, pairs)
            for signature, tasks in (
                ("sst2", ""),
                ("rte", ""),
                ("serving_default", ""),
                ("route", "*"),
                ("route", "sst2,cola"),
                ("route", "rte,stsb"),
            ):
                inputs: dict[str, Any] = {**texts, **({"tasks": [tasks] * rows} if tasks else {})}
                if signature == "sst2":
                    del inputs["text_b"]
                sides = {
                    name: lambda each=each, signature=signature, inputs=inputs: each.predict(
                        signature, inputs
                    )
                    for name, each in predictors.items()
                }
                found = alternate(sides, FLAGS.rounds)
                yield (
                    f"{rows} rows of {words} words, {pairs} with a second text, {signature} {tasks or '-'}: "
                    f"{median(found, 'before'):.1f} ms before, {median(found, 'after'):.1f} after, "
                    f"times {ratio(found, 'after', 'before'):.3f}"
                )


def _texts(rows: int, words: int, pairs: int) -> dict[str, list[str]]:
    """Texts of so many words, of which the first so many have a second one as long."""
    text = " ".join(["the"] * words)
    return {"text_a": [text] * rows, "text_b": [text] * pairs + [""] * (rows - pairs)}


if __name__ == "__main__":
    command.run(main, FLAGS)
