"""The model card: what a served model answers, how well, and what it is made of, from its manifest."""

from collections.abc import Iterator

from centrabert.export.graph.signatures import ids_signature
from centrabert.merge.manifest import Manifest
from centrabert.merge.summary_table import table
from centrabert.modeling.task import TaskSpec

FILE = "MODEL_CARD.md"  # in assets.extra


def model_card(manifest: Manifest) -> str:
    """Markdown."""
    return "\n".join(_lines(manifest)) + "\n"


def _lines(manifest: Manifest) -> Iterator[str]:
    tasks = [branch.task for branch in manifest.plan.branches]
    config = manifest.config
    yield "# Model card"
    yield ""
    yield (
        f"{len(tasks)} tasks on one BERT of {config.num_hidden_layers} layers, hidden size "
        f"{config.hidden_size}, vocabulary {config.vocab_size}; texts are cut to {manifest.max_seq_length} "
        f"word pieces, {'lower-cased' if manifest.do_lower_case else 'case kept'}."
    )
    yield ""
    yield "| Task | Reads | Answers | Signatures |"
    yield "|---|---|---|---|"
    for task in tasks:
        reads = "`text_a`, `text_b`" if task.pair else "`text_a`"
        yield f"| {task.name} | {reads} | {_answers(task)} | `{task.name}`, `{ids_signature(task.name)}` |"
    yield ""
    yield (
        "`serving_default` answers every task at once; to `route` every row names its tasks in `tasks`, "
        "separated by commas, or `*` for all."
    )
    yield ""
    yield "```text"
    yield table(manifest).rstrip()
    yield "```"


def _answers(task: TaskSpec) -> str:
    if task.kind == "regression":
        return "`score`"
    return "`label`, `probabilities` of " + ", ".join(task.labels)
