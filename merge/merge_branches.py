"""Merging: reads a base and branches, checks that they belong together, writes one merged model."""

from collections.abc import Sequence
from pathlib import Path

from centrabert.merge import compatibility
from centrabert.merge.compatibility import Candidate
from centrabert.merge.manifest import Manifest
from centrabert.merge.merged_folder import CHECKPOINT, GOLDENS, MANIFEST, golden_file
from centrabert.merge.plan import MergePlan
from centrabert.modeling import branch_folder, checkpoint, files
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch_checkpoint import read_owned
from centrabert.modeling.branch_folder import read_record
from centrabert.modeling.checkpoint import Tensors
from centrabert.modeling.digest import tensor_digests
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.golden_file import read_golden, write_golden


def merge(base: Path, branches: Sequence[Path], output_dir: Path) -> Manifest:
    """Writes the merged model of `branches` on the trunk of `base`.

    The order of `branches` changes nothing, and the base's layers above the trunk are not stored.

    Args:
      base: A Google BERT folder.
      branches: Branch folders, of teachers and students alike.
      output_dir: Must not exist.

    Raises:
      UserError: A folder is damaged, or the branches do not fit together or on this base.
      FileExistsError: There is something at `output_dir`.
      OSError: The disk is full; nothing is left.
    """
    candidates = compatibility.in_order([Candidate(folder, read_record(folder)) for folder in branches])
    files.check_new(output_dir)
    bert = BertFolder.at(base)
    tokenizer = bert.tokenizer(candidates[0].record.do_lower_case)
    for each in candidates:
        if each.record.branch.task.pair:
            tokenizer.check_reads_pairs(each.task, bert.config().type_vocab_size, str(each.folder))
    trunk = _read_trunk(bert, base, tokenizer.digest, candidates)
    manifest = _manifest(candidates, tensor_digests(trunk))
    tensors = _tensors(manifest.plan, trunk, candidates)
    goldens = {
        each.task: read_golden(each.folder / branch_folder.GOLDEN, each.record.branch.task)
        for each in candidates
    }
    with files.atomic_folder(output_dir) as aside:
        (aside / GOLDENS).mkdir()
        for task, golden in goldens.items():
            write_golden(golden_file(aside, task), golden)
        checkpoint.write(aside / CHECKPOINT, tensors)
        for name, content in tokenizer.assets.items():
            (aside / name).write_bytes(content)
        files.write_text(aside / MANIFEST, dump(manifest.to_json()))
    return manifest


def _read_trunk(
    bert: BertFolder, base: Path, vocabulary_digest: str, candidates: Sequence[Candidate]
) -> Tensors:
    """The base's variables up to the deepest cut, once every branch is known to have grown on them."""
    for candidate in candidates:
        compatibility.check_base(candidate, base, bert.config(), vocabulary_digest)
    trunk = bert.read(sorted({name for candidate in candidates for name in candidate.record.trunk}))
    digests = tensor_digests(trunk)
    for candidate in candidates:
        compatibility.check_trunk(candidate, base, digests)
    return trunk


def _manifest(candidates: Sequence[Candidate], trunk: dict[str, str]) -> Manifest:
    records = tuple(candidate.record for candidate in candidates)
    first = records[0]
    return Manifest(
        config=first.config,
        do_lower_case=first.do_lower_case,
        vocabulary_digest=first.vocabulary_digest,
        max_seq_length=first.branch.task.max_seq_length,
        trunk=trunk,
        records=records,
    )


def _tensors(plan: MergePlan, trunk: Tensors, candidates: Sequence[Candidate]) -> Tensors:
    """Every variable of the merged model under its name there."""
    sources: dict[str | None, Tensors] = {None: trunk}
    sources.update(
        {candidate.task: read_owned(candidate.folder, candidate.record) for candidate in candidates}
    )
    return {copy.name: sources[copy.task][copy.variable] for copy in plan.copies}
