"""A trained branch on disk: branch.json, model.ckpt.*, golden.json; all that merging and serving need."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling import scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig, read_json
from centrabert.modeling.digest import joint_digest, text_digest
from centrabert.modeling.json_keys import check_format
from centrabert.modeling.task import TaskSpec

FORMAT_VERSION = 1
RECORD, CHECKPOINT, GOLDEN = "branch.json", "model.ckpt", "golden.json"


@dataclass(frozen=True)
class BranchRecord:
    """What branch.json says.

    Attributes:
      config: The BERT that the branch grew on.
      trunk: SHA-256 of every shared variable it was trained on, by name; empty for full fine-tuning.
      variables: SHA-256 of every variable it owns, by name.
      vocabulary_digest: Of vocab.txt and `do_lower_case` together.
      metrics: On dev, of the checkpoint that was kept.
      hyperparameters: As given, with the seed.
      teacher_digest: Digest of the teacher for a student, else None.
    """

    branch: Branch
    config: BertConfig
    trunk: dict[str, str]
    variables: dict[str, str]
    vocabulary_digest: str
    do_lower_case: bool
    metrics: dict[str, float]
    hyperparameters: dict[str, Any]
    teacher_digest: str | None = None

    def __post_init__(self) -> None:
        name = self.branch.task.name
        if sorted(self.trunk) != self.branch.shared_names(self.config):
            raise UserError(
                f"branch {name}: the trunk's digests are not those of {self.branch.frozen} layers"
            )
        if self.variables.keys() != self.branch.owned_shapes(self.config).keys():
            raise UserError(f"branch {name}: the digests are not those of the variables it owns")

    @property
    def trunk_digest(self) -> str:
        """Digest of the trunk prefix: equal for every trunk that agrees on these layers."""
        return joint_digest(self.trunk)

    @property
    def digest(self) -> str:
        """Digest of all that decides the branch's answers: its task, its variables and what it shares."""
        answers = [self.branch.to_json(), self.config.to_json(), self.vocabulary_digest, self.do_lower_case]
        return joint_digest(
            {**self.variables, "trunk": self.trunk_digest, "task": text_digest(dump(answers))}
        )

    def check_reads(self, task: TaskSpec, vocabulary_digest: str) -> None:
        """Raises UserError unless the branch was trained for `task` and on that vocabulary."""
        trained = self.branch.task
        if trained != task:
            differing = [f.name for f in fields(task) if getattr(task, f.name) != getattr(trained, f.name)]
            raise UserError(
                f"branch {trained.name} was trained with "
                f"{', '.join(f'{name}={getattr(trained, name)!r}' for name in differing)}, "
                f"not {', '.join(repr(getattr(task, name)) for name in differing)}"
            )
        if self.vocabulary_digest != vocabulary_digest:
            raise UserError(f"branch {trained.name} was trained with another vocabulary or --do_lower_case")

    def check_base(self, base: Mapping[str, str], source: str) -> None:
        """Raises UserError naming the first variable in which the trunk is not that of `base`.

        Args:
          base: SHA-256 of the base's variables, by name.
        """
        if first := first_difference(self.trunk, base):
            raise UserError(
                f"branch {self.branch.task.name} grew on another BERT than {source}: {first} differs"
            )

    def to_json(self) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "digest": self.digest,
            "trunk_digest": self.trunk_digest,
            **asdict(self),
            "branch": self.branch.to_json(),
            "config": self.config.to_json(),
        }

    @classmethod
    def from_json(cls, keys: dict[str, Any], source: str) -> "BranchRecord":
        """Inverse of `to_json`; raises UserError naming `source` for whatever does not fit."""
        check_format(keys, FORMAT_VERSION, source)
        known = {field.name for field in fields(cls)}
        if keys.keys() != known | {"format_version", "digest", "trunk_digest"}:
            raise UserError(f"{source}: missing or unknown keys among {sorted(keys)}")
        try:
            record = cls(
                **{
                    **{key: keys[key] for key in known},
                    "branch": Branch.from_json(keys["branch"]),
                    "config": BertConfig.from_json(keys["config"]),
                }
            )
        except (ValueError, TypeError, AttributeError) as error:  # the last two: a value of another type
            raise UserError(f"{source}: {error}") from None
        if (record.digest, record.trunk_digest) != (keys["digest"], keys["trunk_digest"]):
            raise UserError(f"{source}: was edited: its digests do not add up")
        return record


def read_record(folder: Path) -> BranchRecord:
    """Reads branch.json; raises UserError if `folder` holds no finished branch."""
    return BranchRecord.from_json(read_json(folder / RECORD), str(folder / RECORD))


def first_difference(expected: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    """The lowest variable whose digest is not the expected one, by depth and then by name."""
    differing = [name for name, digest in expected.items() if found.get(name) != digest]
    return min(differing, key=lambda name: (scopes.depth(name), name), default=None)


def dump(value: Any) -> str:
    """JSON as all files of this project are written."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
