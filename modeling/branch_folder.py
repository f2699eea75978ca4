"""A trained branch on disk: branch.json, model.ckpt.*, golden.json; all that merging and serving need."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling import scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig, differing_keys
from centrabert.modeling.digest import joint_digest, text_digest
from centrabert.modeling.formats.dataclass_json import exact_keys, read_dataclass
from centrabert.modeling.formats.format import Format
from centrabert.modeling.formats.json_file import dump, read_json
from centrabert.modeling.task import TaskSpec

RECORD, CHECKPOINT, GOLDEN = "branch.json", "model.ckpt", "golden.json"
RUN = "run.json"  # of a training that has begun
FORMAT = Format(RECORD, version=1)


@dataclass(frozen=True)
class BranchRecord:
    """What branch.json says.

    Attributes:
      config: The BERT that the branch was trained on.
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
        if self.branch.depth > self.config.num_hidden_layers:
            raise UserError(
                f"branch {name}: {self.branch.frozen} frozen and {self.branch.tuned} tuned layers are more "
                f"than the {self.config.num_hidden_layers} of its BERT"
            )
        if self.branch.task.max_seq_length > self.config.max_position_embeddings:
            raise UserError(
                f"branch {name}: max_seq_length {self.branch.task.max_seq_length} is above "
                f"{self.config.max_position_embeddings}, the positions of its BERT"
            )
        if sorted(self.trunk) != self.branch.shared_names(self.config):
            raise UserError(
                f"branch {name}: the trunk's digests are not those of {self.branch.shared_layers} layers"
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

    def check_reads(self, task: TaskSpec, vocabulary_digest: str, source: str) -> None:
        """Raises UserError unless the branch was trained for `task` and on that vocabulary.

        Args:
          source: The vocabulary's file, for the message.
        """
        trained = self.branch.task
        if trained != task:
            differing = [f.name for f in fields(task) if getattr(task, f.name) != getattr(trained, f.name)]
            raise UserError(
                f"branch {trained.name} was trained with "
                f"{', '.join(f'{name}={getattr(trained, name)!r}' for name in differing)}, "
                f"not {', '.join(repr(getattr(task, name)) for name in differing)}; "
                "give the flags, or the declaration, that it was trained with"
            )
        if self.vocabulary_digest != vocabulary_digest:
            lowered = str(self.do_lower_case).lower()
            raise UserError(
                f"branch {trained.name} was trained with another vocabulary than {source}, or with another "
                "--do_lower_case; give the vocabulary that it was trained with, and, where there is the "
                f"flag, --do_lower_case={lowered}"
            )

    def check_base(self, base: Mapping[str, str], config: BertConfig, source: str) -> None:
        """Raises UserError naming the first variable in which the trunk is not that of `base`, or the config.

        Args:
          base: SHA-256 of the base's variables, by name.
        """
        name = self.branch.task.name
        differing = differing_keys(self.config, config)
        if not differing and (first := first_difference(self.trunk, base)):
            differing = f"{first} differs"
        if differing:
            raise UserError(
                f"branch {name} was trained on another BERT than {source}: {differing}; give the BERT that "
                "it was trained on"
            )

    def to_json(self) -> dict[str, Any]:
        return FORMAT.written(
            {
                "digest": self.digest,
                "trunk_digest": self.trunk_digest,
                **asdict(self),
                "branch": self.branch.to_json(),
                "config": self.config.to_json(),
            }
        )

    @classmethod
    def from_json(cls, keys: dict[str, Any], source: str) -> "BranchRecord":
        """Inverse of `to_json`; raises UserError naming `source` for whatever does not fit."""
        known = {field.name for field in fields(cls)} | {"digest", "trunk_digest"}
        own = exact_keys(FORMAT.upgraded(keys, source), known, source)
        digests = own.pop("digest"), own.pop("trunk_digest")
        record = read_dataclass(cls, own, source)
        if (record.digest, record.trunk_digest) != digests:
            raise UserError(f"{source}: was edited: its digests do not add up")
        return record


def read_record(folder: Path) -> BranchRecord:
    """Reads branch.json; raises UserError that says what to do if `folder` holds no finished branch."""
    if not (folder / RECORD).exists():
        if (folder / RUN).exists():
            raise UserError(
                f"{folder / RECORD}: no such file: the training there has not finished; resume it by the "
                "command that began it (run_classifier wants --do_train for that)"
            )
        raise UserError(
            f"{folder / RECORD}: no such file: nothing has been trained there; train a branch in that folder "
            "(run_classifier with --do_train, or run_distill), or give the folder of another"
        )
    return BranchRecord.from_json(read_json(folder / RECORD), str(folder / RECORD))


def first_difference(expected: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    """The lowest variable whose digest is not the expected one, by depth and then by name."""
    differing = [name for name, digest in expected.items() if found.get(name) != digest]
    return min(differing, key=lambda name: (scopes.depth(name), name), default=None)
