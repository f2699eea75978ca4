"""What manifest.json says: all that a merged model is, besides its weights."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from centrabert.errors import UserError
from centrabert.merge.plan import MergePlan
from centrabert.modeling import scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.config import BertConfig
from centrabert.modeling.digest import joint_digest
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format

FORMAT = Format("manifest.json", version=1)


@dataclass(frozen=True)
class BranchKeys:
    """A branch in manifest.json; what all of them have in common is said once, in ManifestKeys."""

    branch: Branch
    digest: str
    variables: dict[str, str]
    metrics: dict[str, float]
    hyperparameters: dict[str, Any]
    teacher_digest: str | None


@dataclass(frozen=True)
class ManifestKeys:
    """The keys of manifest.json."""

    config: BertConfig
    do_lower_case: bool
    vocabulary_digest: str
    max_seq_length: int
    trunk_depth: int
    trunk_digest: str
    trunk: dict[str, str]
    branches: tuple[BranchKeys, ...]


@dataclass(frozen=True)
class Manifest:
    """A merged model.

    Attributes:
      config: The BERT that every branch was trained on.
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
            raise UserError(f"branch {record.branch.task.name}: was not trained on this trunk")

    @cached_property
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

    @property
    def trunk_digest(self) -> str:
        return joint_digest(self.trunk)

    def to_json(self) -> dict[str, Any]:
        return FORMAT.written(
            {
                "config": self.config.to_json(),
                "do_lower_case": self.do_lower_case,
                "vocabulary_digest": self.vocabulary_digest,
                "max_seq_length": self.max_seq_length,
                "trunk_depth": self.plan.trunk_depth,
                "trunk_digest": self.trunk_digest,
                "trunk": self.trunk,
                "branches": [_branch_json(record) for record in self.records],
            }
        )

    @classmethod
    def from_json(cls, keys: dict[str, Any], source: str) -> "Manifest":
        """Inverse of `to_json`; raises UserError naming `source` for whatever does not fit."""
        said = read_dataclass(ManifestKeys, FORMAT.upgraded(keys, source), source)
        try:
            manifest = cls(
                config=said.config,
                do_lower_case=said.do_lower_case,
                vocabulary_digest=said.vocabulary_digest,
                max_seq_length=said.max_seq_length,
                trunk=said.trunk,
                records=tuple(_record(own, said) for own in said.branches),
            )
        except UserError as error:
            raise UserError(f"{source}: {error}") from None
        computed = (
            manifest.plan.trunk_depth,
            manifest.trunk_digest,
            [each.digest for each in manifest.records],
        )
        if computed != (said.trunk_depth, said.trunk_digest, [own.digest for own in said.branches]):
            raise UserError(f"{source}: was edited: its digests or its trunk_depth do not add up")
        return manifest


def _branch_json(record: BranchRecord) -> dict[str, Any]:
    own = {field.name for field in fields(BranchKeys)}
    return {key: value for key, value in record.to_json().items() if key in own}


def _record(own: BranchKeys, whole: ManifestKeys) -> BranchRecord:
    """The branch's record, with what it has in common with the others put back."""
    frozen = own.branch.frozen
    return BranchRecord(
        branch=own.branch,
        config=whole.config,
        trunk={name: sha for name, sha in whole.trunk.items() if scopes.depth(name) <= frozen},
        variables=own.variables,
        vocabulary_digest=whole.vocabulary_digest,
        do_lower_case=whole.do_lower_case,
        metrics=own.metrics,
        hyperparameters=own.hyperparameters,
        teacher_digest=own.teacher_digest,
    )
