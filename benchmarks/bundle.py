"""Trained branches of many tasks as one model: quality, layers, sizes, and the time of requests.

    python -m benchmarks.bundle --bert_dir=output/e5 --branches=output/real_tasks/*/seed0/student* \\
        --budget=45 --full=intent:97.8,domain:94.0 --texts=../shared/data/tasks/atis/test/seq.in

Of each task it takes the branch with which all tasks together are best within the budget of layers, merges
and exports the choice, and asks it in turn with models of all layers, whose weights are random: time depends
on no weight.
"""

import glob
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.harness.alternation import alternate, median, ratio
from centrabert import command
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, numbers_by_name, read

if TYPE_CHECKING:
    from centrabert.merge.manifest import Manifest
    from centrabert.search.selection.budget_optimum import Choice

ROWS = (1, 8, 32)  # texts in a request
HEADER = ("| task | metric | trunk + own layers | full | branch | kept |", "|---|---|---|---|---|---|")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    bert_dir: Path = flag("Folder of the pretrained BERT.")
    branches: tuple[str, ...] = flag(
        "Branch folders, or patterns such as output/*/student2, separated by commas; one of a task is taken."
    )
    budget: int = flag("Number of layers that the trunk and all branches may have together.", 45)
    full: tuple[str, ...] = flag(
        "Metrics of full fine-tuning in percent, as in intent:97.8,slots:92.2; by default none is known.",
        (),
    )
    texts: Path = flag("File of the texts that are asked, one on each line.")
    some: tuple[str, ...] = flag(
        "Tasks that a request for some asks for, separated by commas; by default the first three.",
        (),
    )
    rounds: int = flag("Number of times that each side is measured.", 15)
    output_dir: Path = flag(
        "New folder to write the merged model and its SavedModel into.", Path("output/bundle")
    )


FLAGS = define(Run)


def main() -> None:
    run = read(Run, FLAGS)
    from centrabert.export.export_version import export
    from centrabert.glue_data.readers.text_file import read_lines
    from centrabert.merge.merge_branches import merge
    from centrabert.merge.merged_folder import read_manifest
    from centrabert.merge.summary_table import table

    choice, full, texts = chosen(run), numbers_by_name("full", run.full), read_lines(run.texts)
    if unknown := sorted(set(run.some) - {each.task for each in choice.chosen}):
        raise UserError(f"--some: there is no branch of task {unknown[0]!r} among --branches")
    merged = run.output_dir / "merged"
    merge(run.bert_dir, [Path(each.folder) for each in choice.chosen], merged)
    manifest = read_manifest(merged)
    print(*quality_table(choice, manifest, full), sep="\n")
    print(f"\n{table(manifest)}", flush=True)
    version = export(merged, run.output_dir / "serving", 1)
    for line in _measured(run, texts, manifest, version):
        print(line, flush=True)


def chosen(run: Run) -> "Choice":
    """The best choice within the budget, by the branches' own metrics on dev."""
    from centrabert.modeling.branch_folder import read_record
    from centrabert.search.selection.budget_optimum import optimum
    from centrabert.search.selection.candidate import STUDENT, TEACHER, BranchCandidate

    folders = sorted({folder for pattern in run.branches for folder in glob.glob(pattern)})
    if not folders:
        raise UserError(f"--branches={','.join(run.branches)}: there is no such folder")
    candidates = []
    for folder in folders:
        record = read_record(Path(folder))
        branch, metric = record.branch, record.branch.task.metric
        kind = STUDENT if record.teacher_digest else TEACHER
        quality = 100 * record.metrics[metric]
        found = (branch.task.name, branch.frozen, branch.tuned, kind, quality, 0.0, 1, folder)
        candidates.append(BranchCandidate(*found))
    return optimum(candidates, run.budget)


def quality_table(choice: "Choice", manifest: "Manifest", full: Mapping[str, float]) -> list[str]:
    """A line for each task, then the means over those whose full fine-tuning is known."""
    lines, known = list(HEADER), []
    metrics = {branch.task.name: branch.task.metric for branch in manifest.plan.branches}
    for each in choice.chosen:
        baseline = full.get(each.task)
        cells = ["", ""]
        if baseline is not None:
            known.append((baseline, each.quality))
            cells = [f"{baseline:.1f}", f"{each.quality / baseline:.1%}"]
        depth = f"{each.frozen} + {each.tuned}"
        row = (each.task, metrics[each.task], depth, cells[0], f"{each.quality:.1f}", cells[1])
        lines.append(f"| {' | '.join(row)} |")
    if known:
        baseline, quality = (statistics.fmean(side) for side in zip(*known, strict=True))
        lines.append(
            f"| mean of {len(known)} | | | {baseline:.1f} | {quality:.1f} | {quality / baseline:.1%} |"
        )
        # A branch that beats its full fine-tuning does not make up for another that falls short.
        capped = statistics.fmean(min(kept / whole, 1) for whole, kept in known)
        lines.append(f"| mean share, none above 100 % | | | | | {capped:.1%} |")
    return lines


def _measured(run: Run, lines: Sequence[str], manifest: "Manifest", version: Path) -> Iterator[str]:
    """Sizes, and the time of requests for one, some and all tasks against one whole model for each."""
    from benchmarks.harness import random_models
    from centrabert.export.engine.tensorflow_engine import Predictor
    from centrabert.modeling.branch import Branch

    branches = manifest.plan.branches
    whole = Branch(random_models.task("sst2"), 0, manifest.config.num_hidden_layers)
    alone = random_models.export_model(run.output_dir / "whole", run.bert_dir, [whole])
    tasks = len(branches)
    sizes = _megabytes(version), tasks * _megabytes(alone)
    yield "SavedModel: {:.0f} MB, of as many whole models {:.0f} MB".format(*sizes)
    names = [branch.task.name for branch in branches]
    asked = {"one": names[:1], "some": list(run.some) or names[:3], "all": ["*"]}
    merged, single = Predictor(version), Predictor(alone)
    for rows in ROWS:
        texts = lines[:rows]
        sides = {name: _asking(merged, texts, each) for name, each in asked.items()}
        sides["whole"] = lambda texts=texts: single.predict("sst2", {"text_a": texts})
        found = alternate(sides, run.rounds)
        counts = {"one": 1, "some": len(asked["some"]), "all": tasks}
        yield f"{len(texts)} of {run.texts}: " + ", ".join(
            f"{name} ({counts[name]}) {median(found, name):.1f} ms, "
            f"{counts[name] * ratio(found, 'whole', name):.2f} times as fast as whole models"
            for name in asked
        )


def _asking(predictor: Any, texts: Sequence[str], tasks: Sequence[str]) -> Callable[[], Any]:
    inputs = {"text_a": texts, "text_b": [""] * len(texts), "tasks": [",".join(tasks)] * len(texts)}
    return lambda: predictor.predict("route", inputs)


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    command.run(main, FLAGS)
