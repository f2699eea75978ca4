"""The model store as a Python API: a change makes a new version, proves it, and leaves the others alone."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from centrabert.errors import UserError
from centrabert.export.lifecycle.checkout import check_out
from centrabert.export.lifecycle.comparison import Judgement
from centrabert.export.lifecycle.label_move import move_label
from centrabert.export.lifecycle.proof import Proof, proof_fault, read_proof
from centrabert.export.lifecycle.version_change import ChangeOptions, Outcome, make_version
from centrabert.merge.manifest import Manifest
from centrabert.merge.store import changes, garbage, integrity, stored_branches
from centrabert.merge.store.changes import Change
from centrabert.merge.store.folder_digest import file_digest
from centrabert.merge.store.garbage import Garbage, find_garbage
from centrabert.merge.store.labels import Labels, Move, read_labels
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.store_lock import locked
from centrabert.merge.store.store_record import read_store_record
from centrabert.merge.store.symlinks import refuse_symlinks
from centrabert.merge.store.version_record import FILES, Version, latest_version, read_or_fault, read_version
from centrabert.modeling.branch_folder import BranchRecord

DEFAULT = ChangeOptions()
PROMOTE = "promote"


class ModelStore:
    """A store on a disk; several processes and machines may use it at once.

        store = ModelStore.create(Path("store"), base=Path("uncased_L-12_H-768_A-12"))
        store.add(Path("output/rte_student"))
        store.promote("stable", 1)
        export_labelled(store, Path("serving"), TfServing("centrabert", cores=2))

    The last line stands for `centrabert store export`.

    Args:
      root: Its folder.

    Attributes:
      base: What all versions stand on.

    Raises:
      UserError: There is no store, its files are damaged, or a newer CentraBERT wrote it.
    """

    def __init__(self, root: Path) -> None:
        self.folder = StoreFolder(root)
        refuse_symlinks(self.folder)
        self.base = read_store_record(self.folder)

    @classmethod
    def create(cls, root: Path, base: Path, do_lower_case: bool | None = None) -> "ModelStore":
        """Makes a store without versions; it copies the base, layer by layer.

        Args:
          base: A Google BERT folder.
          do_lower_case: None for what the folder says.

        Raises:
          UserError: `base` is damaged.
          FileExistsError: There is something at `root`.
        """
        from centrabert.export.lifecycle.new_store import write_new_store  # with TensorFlow

        write_new_store(root, base, do_lower_case)
        return cls(root)

    @property
    def latest(self) -> Version | None:
        """The newest version; None if there is none yet."""
        return latest_version(self.folder)

    def version(self, version: int | str) -> Version:
        """A version by its number or its label; raises UserError if there is none."""
        return read_version(self.folder, self.number(version))

    def number(self, version: int | str) -> int:
        """The number of a version that a number or a label names; raises UserError if there is none."""
        if isinstance(version, int) or re.fullmatch("[0-9]{1,18}", version):
            return int(version)
        try:
            return self.labels.version(version)
        except UserError as error:
            raise UserError(f"{self.folder.root}: {error}") from None

    @property
    def labels(self) -> Labels:
        """Where every label points, and pointed before."""
        return read_labels(self.folder)

    def versions(self) -> dict[int, Version]:
        """All versions by number, the oldest first; raises UserError if one is damaged."""
        return {number: read_version(self.folder, number) for number in self.folder.numbers()}

    def readings(self) -> dict[int, Version | str]:
        """All versions by number, the oldest first; of a damaged one, what is wrong with it."""
        return {number: read_or_fault(self.folder, number) for number in self.folder.numbers()}

    def proof(self, version: int | str) -> Proof:
        """What was proved when a version was made."""
        return read_proof(self.folder.version(self.version(version).number))

    def diff(self, before: int | str, after: int | str) -> Mapping[str, str]:
        """ "added", "updated", "removed" or "given to others" by the name of each task that differs."""
        return changes.difference(self.version(before).tasks, self.version(after).tasks)

    def add(
        self,
        *branches: Path,
        owners: Sequence[str] = (),
        options: ChangeOptions = DEFAULT,
        branch_base: Path | None = None,
    ) -> Outcome:
        """Adds the task of each branch folder, all of them in one version.

        Args:
          branch_base: Their BERT; where it is not the store's, the message says by how much it differs.

        Raises:
          UserError: A task is there already, a branch stands on another base, or an answer is wrong.
        """
        return self._with_branches(
            branches, lambda task, stored: changes.Add(task, stored, tuple(owners)), options, branch_base
        )

    def update(
        self,
        *branches: Path,
        owners: Sequence[str] | None = None,
        options: ChangeOptions = DEFAULT,
        branch_base: Path | None = None,
    ) -> Outcome:
        """Gives the task of each branch folder that branch, all of them in one version.

        Args:
          owners: None leaves them as they are.
          branch_base: As in `add`.

        Raises:
          UserError: A task is not there, has that branch already, is another owner's, or as in `add`.
        """
        kept = None if owners is None else tuple(owners)
        return self._with_branches(
            branches, lambda task, stored: changes.Update(task, stored, kept), options, branch_base
        )

    def remove(self, task: str, options: ChangeOptions = DEFAULT) -> Outcome:
        """Removes a task; raises UserError if it is not there, the last one, or another owner's."""
        change = changes.Remove(task)
        return make_version(self.folder, self.base, change, lambda: change, dict, options)

    def rename(self, task: str, to: str, options: ChangeOptions = DEFAULT) -> Outcome:
        """Renames a task.

        Raises:
          UserError: It is not there or another owner's, or `to` is taken or no name of a task.
        """

        def branch() -> str:
            return changes.existing(self.latest.tasks if self.latest else {}, task).branch

        return make_version(
            self.folder,
            self.base,
            changes.Rename(task, to, {}),
            lambda: changes.Rename(task, to, stored_branches.rename_branch(self.folder, branch(), to)),
            lambda: {to: stored_branches.renamed_record(self.folder, branch(), to)},
            options,
        )

    def _with_branches(
        self,
        branches: Sequence[Path],
        change: Callable[[str, dict[str, str]], Change],
        options: ChangeOptions,
        branch_base: Path | None,
    ) -> Outcome:
        if not branches:
            raise UserError("no branches: name one branch folder or more")
        records = {
            branch: stored_branches.checked_record(branch, self.base, self.folder, branch_base)
            for branch in branches
        }
        tasks = {branch: record.branch.task.name for branch, record in records.items()}

        def together(stored: Callable[[Path], dict[str, str]]) -> Change:
            made = tuple(change(tasks[branch], stored(branch)) for branch in branches)
            return made[0] if len(made) == 1 else changes.Several(made)

        def rehearsed() -> Mapping[str, BranchRecord]:
            for branch, record in records.items():
                stored_branches.rehearse_branch(branch, record)
            return {tasks[branch]: record for branch, record in records.items()}

        return make_version(
            self.folder,
            self.base,
            together(lambda branch: {name: file_digest(branch / name) for name in FILES}),
            lambda: together(
                lambda branch: stored_branches.store_branch(self.folder, branch, records[branch])
            ),
            rehearsed,
            options,
        )

    def repair(self, *branches: Path, options: ChangeOptions = DEFAULT) -> dict[str, list[str]]:
        """Writes damaged files of stored branches again, from where they came.

        Returns:
          The names of the files that were damaged, by the digest of the branch.

        Raises:
          UserError: The store has no such branch, or the folder is damaged, too.
        """
        with locked(self.folder, "repair", options.retry, options.dry_run):
            return dict(
                stored_branches.repair_branch(self.folder, branch, options.dry_run) for branch in branches
            )

    def checkout(self, version: int | str, output_dir: Path, dry_run: bool = False) -> Manifest:
        """Writes a version as a merged model, with all weights in one plain TensorFlow checkpoint.

        Raises:
          UserError: There is no such version, or it is damaged.
          FileExistsError: There is something at `output_dir`.
        """
        return check_out(self.folder, self.number(version), output_dir, dry_run)

    def promote(
        self,
        label: str,
        version: int | str,
        options: ChangeOptions = DEFAULT,
        judgement: Judgement | None = None,
    ) -> int:
        """Points a label to a version, and returns its number.

        Args:
          judgement: What a `PromotionGate` said of it; the label's history keeps its reason.

        Raises:
          UserError: There is no such version, or it was compared with another than the label points to now.
        """
        number = self.version(version).number
        move = Move(number, options.signed(), judgement.reason if judgement else PROMOTE)

        def moved(labels: Labels) -> Labels:
            if judgement:
                judgement.check(label, number, labels.versions.get(label))
            return labels.moved(label, move)

        return move_label(self.folder, label, moved, options)[1].version(label)

    def roll_back(self, label: str, options: ChangeOptions = DEFAULT) -> int:
        """Points a label to where it pointed before; returns that version's number.

        Raises:
          UserError: There is no such label, it never pointed elsewhere, or that version was removed.
        """
        author = options.signed()
        after = move_label(self.folder, label, lambda labels: labels.rolled_back(label, author), options)[1]
        return after.version(label)

    def unlabel(self, label: str, options: ChangeOptions = DEFAULT) -> int:
        """Removes a label, of which the next export tells the servers; returns where it pointed.

        Raises:
          UserError: There is no such label.
        """
        author = options.signed()
        before, _ = move_label(self.folder, label, lambda labels: labels.removed(label, author), options)
        return before.version(label)

    def verify(self) -> list[str]:
        """Computes every digest again; one line for everything that is not as it was written."""
        proofs = (proof_fault(self.folder.version(number)) for number in self.folder.numbers())
        return [*integrity.faults(self.folder), *filter(None, proofs)]

    def gc(self, keep: int = 10, options: ChangeOptions = DEFAULT) -> Garbage:
        """Removes all but the newest `keep` versions, those with a label, and what none of them needs.

        What a damaged version needs is not known: as long as there is one, it stays, and so do all branches.

        Raises:
          UserError: `keep` is below 1.
        """
        if keep < 1:
            raise UserError(f"keep {keep} is below 1: the newest version always stays")
        with locked(self.folder, "gc", options.retry, options.dry_run):
            versions = self.readings()
            whole = [number for number, each in versions.items() if isinstance(each, Version)]
            kept = {*whole[-keep:], *self.labels.versions.values()}
            found = find_garbage(versions, self.folder.stored(), kept)
            if not options.dry_run:
                garbage.remove_garbage(self.folder, found)
        return found
