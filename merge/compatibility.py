"""What branches must agree on to stand on one trunk. Decides over records and digests; reads no file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.branch_folder import BranchRecord, first_difference
from centrabert.modeling.config import BertConfig, differing_keys

FIX = "merge it on the base it was trained on, or train it on this one"


@dataclass(frozen=True)
class Candidate:
    """A branch and where it was found, for the messages."""

    folder: Path
    record: BranchRecord

    @property
    def task(self) -> str:
        return self.record.branch.task.name


def in_order(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates by task name, so that the order in which they were given decides nothing.

    Raises:
      UserError: There are none, two have one task name, one shares nothing, or two differ in what the one
        pass through the trunk needs to be the same.
    """
    if not candidates:
        raise UserError("no branches: name one branch folder or more")
    ordered = sorted(candidates, key=lambda candidate: (candidate.task, str(candidate.folder)))
    for first, second in pairwise(ordered):
        if first.task == second.task:
            raise UserError(
                f"{first.folder} and {second.folder}: both are task {first.task!r}; give one of them"
            )
    for candidate in ordered:
        _check_shares(candidate)
        _check_alike(ordered[0], candidate)
    return ordered


def check_base(candidate: Candidate, base: Path, config: BertConfig, vocabulary_digest: str) -> None:
    """Raises UserError unless a branch was trained on a BERT of this shape and vocabulary.

    Args:
      base: Folder of the base, for the message.
      vocabulary_digest: Of the base's vocabulary, lower-cased as the branch says.
    """
    if differing := differing_keys(candidate.record.config, config):
        raise UserError(f"{candidate.folder}: its BERT is not that of {base}: {differing}; {FIX}")
    if candidate.record.vocabulary_digest != vocabulary_digest:
        raise UserError(f"{candidate.folder}: its vocabulary is not that of {base}; {FIX}")


def check_trunk(candidate: Candidate, base: Path, digests: Mapping[str, str]) -> None:
    """Raises UserError naming the first variable of the trunk that is not as the branch knew it.

    Args:
      digests: SHA-256 of the base's variables, at least of those that the branch shares.
    """
    if name := first_difference(candidate.record.trunk, digests):
        raise UserError(
            f"{candidate.folder}: was trained on another trunk than {base}: the first variable that differs "
            f"is {name}; {FIX}"
        )


def check_own_layers(candidate: Candidate) -> None:
    """Raises UserError, with the folder, for a branch whose layers are none of its own."""
    try:
        candidate.record.branch.check_own_layers()
    except UserError as error:
        raise UserError(f"{candidate.folder}: {error}") from None


def _check_shares(candidate: Candidate) -> None:
    check_own_layers(candidate)
    if candidate.record.branch.full_fine_tuning:
        raise UserError(
            f"{candidate.folder}: task {candidate.task!r} is a full fine-tuning baseline: it trains the "
            "embeddings too and shares nothing; train a branch with --fine_tuning_layers instead"
        )


def _check_alike(first: Candidate, second: Candidate) -> None:
    """Raises UserError unless one pass through the trunk can serve both."""
    one, other = first.record, second.record
    where = f"{first.folder} and {second.folder}"
    if differing := differing_keys(one.config, other.config):
        raise UserError(f"{where}: were trained on different BERTs: {differing}; train both on one base")
    if one.do_lower_case != other.do_lower_case:
        raise UserError(
            f"{where}: do_lower_case {one.do_lower_case}, not {other.do_lower_case}; train both on "
            "the same BERT folder, with the same --do_lower_case"
        )
    if one.vocabulary_digest != other.vocabulary_digest:
        raise UserError(
            f"{where}: were trained on different vocabularies; train both with the same --vocab_file"
        )
    lengths = one.branch.task.max_seq_length, other.branch.task.max_seq_length
    if lengths[0] != lengths[1]:
        raise UserError(
            f"{where}: max_seq_length {lengths[0]}, not {lengths[1]}; one pass through the trunk reads one "
            "text length: train with the same --max_seq_length"
        )
