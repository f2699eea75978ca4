"""The names that the original CentraBERT code gives to variables: a trunk, branches, and their students.

`bert/...` is the trunk: a whole BERT, or in a merged model its lower layers. `TASK/...` is a branch, whose
layers keep their numbers, and `student/TASK/...` its student (DandyQi/CentraBert, base_task.py).
"""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.modeling import scopes
from centrabert.modeling.bert_folder import SLOT
from centrabert.modeling.kinds.tag_scheme import OUTSIDE
from centrabert.modeling.kinds.task_kind import BIAS, TOKENS, WEIGHTS
from centrabert.modeling.task import TaskSpec

STUDENT = "student/"
STEP = "global_step"
OWNED = re.compile(
    r"((?:student/)?[^/]+)/(bert/(?:encoder|pooler)/.+|output_(?:weights|bias)|(?:softmax|crf|cnn|combine)/.+)"
)
LAYER = re.compile(r"bert/encoder/layer_([0-9]+)/")
# The head's names of its two output layers, by kind of task; that of a tagging is stored transposed.
HEADS: Mapping[str, Mapping[str, str]] = {
    "classification": {WEIGHTS: "output_weights", BIAS: "output_bias"},
    "tagging": {WEIGHTS: "softmax/project_output_weights", BIAS: "softmax/project_output_bias"},
}
TRANSPOSED = "softmax/project_output_weights"
AROUND = ("[CLS]", "[SEP]")  # tags of their own, which every tagging has there
# What no branch computes here.
UNKNOWN_PARTS = {
    "crf/": "a CRF over all pieces, [CLS] and [SEP] among them, on the tanh of the logits",
    "cnn/": "a CNN over the top layer",
    "combine/": "a weighted sum of all layers, with layers of its own above it",
}


@dataclass(frozen=True)
class OriginalBranch:
    """One branch of a checkpoint.

    Attributes:
      scope: What stands before its variables' names, without the last slash.
      frozen, tuned: As in Branch.
      names: By our names of the variables that it owns, theirs.
    """

    scope: str
    frozen: int
    tuned: int
    names: Mapping[str, str]


def find_branch(found: Collection[str], scope: str, task: TaskSpec, source: str) -> OriginalBranch:
    """The branch `scope` of a checkpoint with the variables `found`.

    Raises:
      UserError: It names `source` and the variable: one that belongs to nothing, or a branch that is none of
        the task's, or has a part that no branch has here.
    """
    branches = partition(found, source)
    if scope not in branches:
        raise UserError(
            f"{source}: has no branch {scope!r}; it has {', '.join(sorted(branches)) or 'none at all'}"
        )
    own = branches[scope]
    _check_parts(own, scope, source)
    if task.kind not in HEADS:
        raise UserError(f"task {task.name}: a {task.kind} cannot be imported, only {' and '.join(HEADS)}")
    heads = {kind: head[WEIGHTS] for kind, head in HEADS.items() if head[WEIGHTS] in own}
    if task.kind not in heads:
        held = " and ".join(f"a {kind}" for kind in heads) or "no kind"
        raise UserError(f"{source}: {scope} has the head of {held}, but task {task.name} is a {task.kind}")
    ours = {theirs: name for name, theirs in HEADS[task.kind].items()}
    layers = sorted({int(layer[1]) for name in own if (layer := LAYER.match(name))})
    if not layers:
        raise UserError(f"{source}: {scope} has no layer of its own; a branch here has one or more")
    if layers != list(range(layers[0], layers[-1] + 1)):
        raise UserError(f"{source}: {scope} has the layers {layers}, which do not follow each other")
    names = {ours.get(name, name): f"{scope}/{name}" for name in own}
    return OriginalBranch(scope, layers[0], len(layers), names)


def partition(found: Collection[str], source: str) -> dict[str, list[str]]:
    """The variables of every branch without its scope; left are the trunk's, optimisers' and the step.

    Raises:
      UserError: A variable is none of these.
    """
    branches, unknown = defaultdict(list), []
    for name in sorted(found):
        if SLOT.fullmatch(name) or name == STEP or _is_trunk(name):
            continue
        if owned := OWNED.fullmatch(name):
            branches[owned[1]].append(owned[2])
        else:
            unknown.append(name)
    if unknown:
        raise UserError(
            f"{source}: is no checkpoint of the original CentraBERT: to nothing in it belongs "
            f"{', '.join(unknown)}"
        )
    return dict(branches)


def _is_trunk(name: str) -> bool:
    patterns = (scopes.EMBEDDINGS, scopes.LAYER, scopes.POOLER)
    return any(pattern.fullmatch(name) for pattern in patterns)


def _check_parts(own: Collection[str], scope: str, source: str) -> None:
    for part, what in UNKNOWN_PARTS.items():
        if name := next((name for name in own if name.startswith(part)), None):
            raise UserError(
                f"{source}: {scope}/{name}: is part of {what}, which no branch has here; train the task again"
            )


def head_labels(task: TaskSpec) -> tuple[str, ...]:
    """The labels in the order of the original's head: sorted, but O first; of a tagging with AROUND."""
    labels = {*task.labels, *(AROUND if task.reads == TOKENS else ())}
    return tuple(sorted(labels, key=lambda label: (label != OUTSIDE, label)))
