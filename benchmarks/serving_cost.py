"""What a request costs, as ratios: among few tasks and many, all tasks at once, a layer, the tokenizer.

One process, sides in turn, medians. Weights are random; texts are one word repeated to the wanted length.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from absl import flags

from benchmarks.harness.alternation import alternate, median, ratio
from centrabert import command

FLAGS = flags.FlagValues()
flags.DEFINE_list(
    "models", ["minilm", "bert-base"], "Shapes of the BERTs: minilm, bert-base, or both.", flag_values=FLAGS
)
flags.DEFINE_string(
    "vocabulary", "output/bert/vocab.txt", "Path of a vocab.txt, such as MiniLM's.", flag_values=FLAGS
)
flags.DEFINE_integer("rounds", 15, "Number of times that each side is measured.", flag_values=FLAGS)
flags.DEFINE_integer(
    "copies", 8, "Number of times that the large model has each of the eight tasks.", flag_values=FLAGS
)
PARTS = ("all_tasks", "tokenizer", "one_task")
flags.DEFINE_list("parts", list(PARTS), "Parts of the measurement to run.", flag_values=FLAGS)
flags.register_validator(
    "parts", lambda given: set(given) <= set(PARTS), f"some of {','.join(PARTS)}", flag_values=FLAGS
)
FORMS = ((1, 32), (8, 32), (8, 128))  # rows, word pieces


def main() -> None:
    for shape in FLAGS.models:
        with tempfile.TemporaryDirectory() as folder:
            for line in _measured(Path(folder), shape):
                print(f"{shape}: {line}", flush=True)


def _measured(folder: Path, shape: str) -> Iterator[str]:
    from benchmarks.harness import random_models
    from centrabert.modeling.branch import Branch

    base = random_models.bert(folder / "bert", shape, Path(FLAGS.vocabulary))
    eight = random_models.mixed(shape)
    many = random_models.mixed(shape, FLAGS.copies)
    (alone,) = [branch for branch in eight if branch.task.name == "rte"]

    def version(name: str, branches: list[Branch]) -> Path:
        return random_models.export_model(folder / name, base, branches)

    models = {"alone": version("alone", [alone]), "eight": version("eight", eight)}
    if "all_tasks" in FLAGS.parts:
        whole = {name: version(name, [random_models.full("rte", shape, name)]) for name in ("cls", "mean")}
        yield from _all_at_once(models["eight"], whole, len(eight))
    if "tokenizer" in FLAGS.parts:
        yield from _tokenizer(models["eight"])
    if "one_task" in FLAGS.parts:
        yield from _among_many({**models, "many": version("many", many)})


def _among_many(versions: dict[str, Path]) -> Iterator[str]:
    """A request for one task, in models with more and more others."""
    from centrabert.export.engine.tensorflow_engine import Predictor

    predictors = {name: Predictor(version) for name, version in versions.items()}
    for rows, length in FORMS:
        texts = _texts(rows, length)
        sides = {name: _asking(predictors[name], "rte", texts) for name in predictors}
        found = alternate(sides, FLAGS.rounds)
        yield (
            f"{rows} x {length}, one task of eight {ratio(found, 'eight', 'alone'):.3f} and of "
            f"{8 * FLAGS.copies} {ratio(found, 'many', 'alone'):.3f} times that task served alone "
            f"({median(found, 'alone'):.1f} ms)"
        )


def _all_at_once(mixed: Path, full: dict[str, Path], tasks: int) -> Iterator[str]:
    """All tasks in one request, against one full model for each, asked one after the other.

    The full models are ours, whose last layer computes [CLS] alone, and, by means of all tokens, such that
    compute all of their last layer too, as BERT does.
    """
    from centrabert.export.contract.signature_names import DEFAULT
    from centrabert.export.engine.tensorflow_engine import Predictor

    merged = Predictor(mixed)
    separate = {name: [Predictor(version) for _ in range(tasks)] for name, version in full.items()}
    for rows, length in FORMS:
        texts = _texts(rows, length)
        asked = {name: [_asking(each, "rte", texts) for each in models] for name, models in separate.items()}
        sides = {
            "merged": _asking(merged, DEFAULT, texts),
            "route": _asking(merged, "route", {**texts, "tasks": ["*"] * rows}),
            **{name: lambda asks=asks: [ask() for ask in asks] for name, asks in asked.items()},
        }
        found = alternate(sides, FLAGS.rounds)
        for name, last in (("mean", "whole"), ("cls", "for [CLS] alone")):
            yield (
                f"{rows} x {length}, all tasks ({median(found, 'merged'):.1f} ms): separate models, the last "
                f"layer {last}, take {ratio(found, name, 'merged'):.2f} times serving_default and "
                f"{ratio(found, name, 'route'):.2f} times route"
            )


def _tokenizer(version: Path) -> Iterator[str]:
    """The tokenizer alone, in a graph of its own, against a whole request for one task.

    What any run of a graph costs, measured on one that returns the texts, is not the tokenizer's: the request
    has it once.
    """
    import tensorflow.compat.v1 as tf

    from centrabert.export.engine.tensorflow_engine import Predictor
    from centrabert.modeling.tokenization.tokenizer_files import read_tokenizer

    predictor = Predictor(version)
    with tf.Graph().as_default(), tf.Session() as session:
        fed = [tf.placeholder(tf.string, [None]) for _ in range(2)]
        tokenizer = read_tokenizer(Path(FLAGS.vocabulary), do_lower_case=True)
        tokenize = session.make_callable(tokenizer.encode(*fed, 128), fed)
        nothing = session.make_callable([tf.identity(text) for text in fed], fed)
        for rows, length in FORMS:
            texts = _texts(rows, length)
            sides = {
                "nothing": lambda texts=texts: nothing(*texts.values()),
                "tokenizer": lambda texts=texts: tokenize(*texts.values()),
                "request": _asking(predictor, "rte", texts),
            }
            found = alternate(sides, FLAGS.rounds)
            whole, empty = (ratio(found, side, "request") for side in ("tokenizer", "nothing"))
            yield (
                f"{rows} x {length}, tokenizer: {whole - empty:.3f} of a request "
                f"({median(found, 'request'):.2f} ms), besides {empty:.3f} for running any graph"
            )


def _texts(rows: int, length: int) -> dict[str, list[str]]:
    """Pairs of so many word pieces with [CLS] and both [SEP]."""
    half = (length - 3) // 2
    return {
        "text_a": [" ".join(["the"] * (length - 3 - half))] * rows,
        "text_b": [" ".join(["a"] * half)] * rows,
    }


def _asking(predictor: Any, signature: str, inputs: dict[str, Any]) -> Callable[[], Any]:
    return lambda: predictor.predict(signature, inputs)


if __name__ == "__main__":
    command.run(main, FLAGS)
