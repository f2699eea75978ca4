"""Against ONNX Runtime: one task's BERT, and eight tasks, each side in turn in one process; the ratio.

ONNX Runtime serves one optimised float32 model for each task; CentraBERT one merged model for all. Both get
ids and answer the same; that they do is checked first. Wants the extra `onnx`.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from absl import flags

from benchmarks.harness.alternation import alternate, median, ratio
from centrabert import command
from centrabert.errors import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_list(
    "models", ["minilm", "bert-base"], "Shapes of the BERTs: minilm, bert-base, or both.", flag_values=FLAGS
)
flags.DEFINE_list(
    "forms", ["1x32", "8x32", "8x128"], "Shapes of the batches, as ROWSxLENGTH.", flag_values=FLAGS
)
flags.DEFINE_string(
    "vocabulary", "output/bert/vocab.txt", "Path of a vocab.txt, such as MiniLM's.", flag_values=FLAGS
)
flags.DEFINE_integer("rounds", 15, "Number of times that each side is measured.", flag_values=FLAGS)


def main() -> None:
    for shape in FLAGS.models:
        with tempfile.TemporaryDirectory() as folder:
            for line in _measured(Path(folder), shape):
                print(f"{shape} {line}", flush=True)


def _measured(folder: Path, shape: str) -> Iterator[str]:
    import numpy as np
    import onnxruntime

    from benchmarks.harness import random_models
    from benchmarks.harness.onnx_bert import onnx_bert
    from centrabert.export.engine.tensorflow_engine import Predictor
    from centrabert.modeling import checkpoint

    base = random_models.bert(folder / "bert", shape, Path(FLAGS.vocabulary))
    mixed = Predictor(random_models.export_model(folder / "mixed", base, random_models.mixed(shape)))
    full = Predictor(random_models.export_model(folder / "full", base, [random_models.full("rte", shape)]))
    tensors = checkpoint.read(folder / "full" / "merged" / "merged_model.ckpt")
    weights = {name.removeprefix("rte/"): tensor for name, tensor in tensors.items()}
    config = random_models.config_of(shape, len(weights["bert/embeddings/word_embeddings"]))
    model = onnx_bert(weights, config)
    sessions = [onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]) for _ in range(8)]
    for form in FLAGS.forms:
        rows, length = (int(number) for number in form.split("x"))
        ids = np.random.default_rng(0).integers(1000, 20000, [rows, length]).astype(np.int32)
        ours = {"input_ids": ids, "segment_ids": np.zeros_like(ids)}
        theirs = {**ours, "mask": np.ones_like(ids)}
        sides = {
            "one": lambda ours=ours: full.predict("rte_ids", ours),
            "onnx": lambda theirs=theirs: sessions[0].run(None, theirs),
            "all": lambda ours=ours, n=rows: mixed.predict("route_ids", {**ours, "tasks": ["*"] * n}),
            "onnx all": lambda theirs=theirs: [session.run(None, theirs) for session in sessions],
        }
        difference = np.abs(sides["one"]()["probabilities"] - sides["onnx"]()[0]).max()
        if difference > 1e-4:
            raise UserError(f"{form}: the sides differ by {difference}")
        found = alternate(sides, FLAGS.rounds)
        yield (
            f"{form}: ONNX Runtime takes {ratio(found, 'onnx', 'one'):.2f} times ours for one full BERT "
            f"({median(found, 'one'):.1f} ms), {ratio(found, 'onnx all', 'all'):.2f} times for eight tasks "
            f"({median(found, 'all'):.1f} ms)"
        )


if __name__ == "__main__":
    command.run(main, FLAGS)
