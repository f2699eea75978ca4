"""One task's model without the others: a whole BERT, frozen and own layers alike, and the task's head."""

from dataclasses import dataclass, replace

from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.checkpoint import Tensors
from centrabert.modeling.convert.pretrained import Pretrained
from centrabert.modeling.golden import Golden
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.tokenization.tokenizer import Tokenizer


@dataclass(frozen=True)
class TaskModel:
    """What one task computes with.

    Attributes:
      bert: As many layers as the branch has frozen and tuned; the pooler only if the task reads it.
      head: By the names of `TaskKind.head_shapes`.
      golden: Texts, and what the branch answered to them.
    """

    task: TaskSpec
    bert: Pretrained
    head: Tensors
    golden: Golden

    @classmethod
    def of_branch(
        cls, record: BranchRecord, tensors: Tensors, tokenizer: Tokenizer, golden: Golden
    ) -> "TaskModel":
        """The model of a branch and all variables of `record.branch.shapes`; a trunk's other layers are left.

        A folder of it has texts cut where the branch cuts them.
        """
        branch, config = record.branch, record.config
        head = KINDS[branch.task.kind].head_shapes(branch.task.labels, config.hidden_size)
        bert = Pretrained(
            replace(config, num_hidden_layers=branch.depth),
            tokenizer,
            {name: tensor for name, tensor in tensors.items() if name not in head},
            {"model_max_length": branch.task.max_seq_length},
        )
        return cls(branch.task, bert, {name: tensors[name] for name in head}, golden)
