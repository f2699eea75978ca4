"""What manifest.json says: all that a merged model is, besides its weights."""

from dataclasses import dataclass
from typing import Any

from centrabert.errors import UserError
from centrabert.merge.plan import MergePlan
from centrabert.modeling import scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.config import BertConfig
from centrabert.modeling.digest import joint_digest
from centrabert.modeling.json_keys import check_format, check_keys

FORMAT_VERSION = 1
KEYS = frozenset(
    [
        "format_version",
        "config",
        "do_lower_case",
        "vocabulary_digest",
        "max_seq_length",
        "trunk_depth",
        "trunk_digest",
        "trunk",
        "branches",
    ]
)
# Of a branch; what the trunk and the whole have in common is said once, above.
BRANCH_KEYS = frozenset(["branch", "digest", "variables", "metrics", "hyperparameters", "teacher_digest"])


@dataclass(frozen=True)
class Manifest:
    """A merged model.

    Attributes:
      config: The BERT that every branch grew on.
      vocabulary_digest: Of vocab.txt and `do_lower_case` together.
      max_seq_length: Of every task: one pass through the trunk reads one text length.
      trunk: SHA-256 of every variable of the trunk, by name.
      records: What each branch.json said, in the order of the task names.

    Raises:
      UserError: The parts do not belong together.
    """

    config: BertConfig
    do_lower_case: bool
    vocabulary_digest: str
    max_seq_length: int
    trunk: dict[str, str]
    records: tuple[BranchRecord, ...]

    def __post_init__(self) -> None:
        if self.trunk.keys() != self.plan.trunk_shapes().keys():
            raise UserError(f"the trunk's digests are not those of {self.plan.trunk_depth} layers")
        for record in self.records:
            self._check_record(record)

    def _check_record(self, record: BranchRecord) -> None:
        shared = (record.config, record.do_lower_case, record.vocabulary_digest)
        length = record.branch.task.max_seq_length
        if (*shared, length) != (
            self.config,
            self.do_lower_case,
            self.vocabulary_digest,
            self.max_seq_length,
        ) or not record.trunk.items() <= self.trunk.items():
            raise UserError(f"branch {record.branch.task.name}: did not grow on this trunk")

    @property
    def plan(self) -> MergePlan:
        return MergePlan(self.config, tuple(record.branch for record in self.records))

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(record.branch.task.name for record in self.records)

    def variables(self) -> dict[str, str]:
        """SHA-256 of every variable of the merged checkpoint, by its merged name."""
        owned = {record.branch.task.name: record.variables for record in self.records}
        return {
            copy.name: self.trunk[copy.variable] if copy.task is None else owned[copy.task][copy.variable]
            for copy in self.plan.copies
        }

    def to_json(self) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "config": self.config.to_json(),
            "do_lower_case": self.do_lower_case,
            "vocabulary_digest": self.vocabulary_digest,
            "max_seq_length": self.max_seq_length,
            "trunk_depth": self.plan.trunk_depth,
            "trunk_digest": joint_digest(self.trunk),
            "trunk": self.trunk,
            "branches": [_branch_json(record) for record in self.records],
        }

    @classmethod
    def from_json(cls, keys: dict[str, Any], source: str) -> "Manifest":
        """Inverse of `to_json`; raises UserError naming `source` for whatever does not fit."""
        check_format(keys, FORMAT_VERSION, source)
        check_keys(keys, KEYS, source)
        try:
            manifest = cls._from_checked(keys)
        except (ValueError, TypeError, AttributeError) as error:
            raise UserError(f"{source}: {error}") from None
        if manifest.to_json() != keys:
            raise UserError(f"{source}: was edited: its digests or its trunk_depth do not add up")
        return manifest

    @classmethod
    def _from_checked(cls, keys: dict[str, Any]) -> "Manifest":
        config = BertConfig.from_json(keys["config"])
        return cls(
            config=config,
            do_lower_case=keys["do_lower_case"],
            vocabulary_digest=keys["vocabulary_digest"],
            max_seq_length=keys["max_seq_length"],
            trunk=keys["trunk"],
            records=tuple(_record(branch, keys, config) for branch in keys["branches"]),
        )


def _branch_json(record: BranchRecord) -> dict[str, Any]:
    return {key: value for key, value in record.to_json().items() if key in BRANCH_KEYS}


def _record(own: dict[str, Any], whole: dict[str, Any], config: BertConfig) -> BranchRecord:
    """The branch's record, with what it has in common with the others put back."""
    if own.keys() != BRANCH_KEYS:
        raise UserError(f"a branch has missing or unknown keys {sorted(own.keys() ^ BRANCH_KEYS)}")
    branch = Branch.from_json(own["branch"])
    return BranchRecord(
        branch=branch,
        config=config,
        trunk={name: sha for name, sha in whole["trunk"].items() if scopes.depth(name) <= branch.frozen},
        variables=own["variables"],
        vocabulary_digest=whole["vocabulary_digest"],
        do_lower_case=whole["do_lower_case"],
        metrics=own["metrics"],
        hyperparameters=own["hyperparameters"],
        teacher_digest=own["teacher_digest"],
    )
