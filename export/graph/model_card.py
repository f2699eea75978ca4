"""The model card: what a served model answers, how well, and what it is made of, from its manifest."""

import re
from collections.abc import Iterator

from centrabert.export.contract.signature_names import ids_signature, words_signature
from centrabert.merge.manifest import Manifest
from centrabert.merge.summary_table import table
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import CLASS
from centrabert.modeling.task import TaskSpec

FILE = "MODEL_CARD.md"  # in assets.extra
SPECIAL = re.compile(r"[^\w .,-]|(?<![^\W_])_|_(?![^\W_])")  # `_` within a word is no markup


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
        second = words_signature(task.name) if task.split else ids_signature(task.name)
        yield f"| {task.name} | {reads} | {_answers(task)} | `{task.name}`, `{second}` |"
    yield ""
    yield (
        "`serving_default` answers every task at once; to `route` every row names its tasks in `tasks`, "
        "separated by commas, or `*` for all."
    )
    yield ""
    yield (
        "A Python program that loads this version, whichever signature it asks, must `import "
        "tensorflow_text` first: the tokenizer is made of its ops. TF Serving has them built in."
    )
    yield ""
    yield from (f"    {line}" for line in table(manifest).splitlines())


def _answers(task: TaskSpec) -> str:
    """The outputs by name, and after those with one number for each label, or after tags, the labels."""
    between = "; " if any("," in label for label in task.labels) else ", "
    of = " of " + between.join(map(_escaped, task.labels))
    outputs = KINDS[task.kind].outputs
    with_labels = [each for each in outputs if CLASS in each.axes or (task.split and each == outputs[0])]
    return ", ".join(f"`{output.name}`{of if output in with_labels else ''}" for output in outputs)


def _escaped(text: str) -> str:
    """A text that a data set's author chose, as Markdown shows it: no markup, no HTML, no line break.

    A character written as its number is text to Markdown, whatever it would otherwise mean (CommonMark, 2.5).
    """
    return SPECIAL.sub(lambda found: f"&#{ord(found[0])};", text)
