"""The only place where a task's kind, a word in JSON, becomes an object."""

from collections.abc import Mapping

from centrabert.modeling.kinds.classification import ClassificationKind
from centrabert.modeling.kinds.crf_tagging import CrfTaggingKind
from centrabert.modeling.kinds.multilabel import MultilabelKind
from centrabert.modeling.kinds.regression import RegressionKind
from centrabert.modeling.kinds.tagging import TaggingKind
from centrabert.modeling.kinds.task_kind import TaskKind

KINDS: Mapping[str, TaskKind] = {
    kind.name: kind
    for kind in (ClassificationKind(), RegressionKind(), MultilabelKind(), TaggingKind(), CrfTaggingKind())
}
