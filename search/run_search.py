"""Searches which L and which l each task needs: trains teachers, distils students, and selects.

Every job is a process with a folder of its own in OUTPUT_DIR/jobs, named by the digest of its spec. If the
search was interrupted, in whatever way, run the same command again to resume it; jobs that failed are tried
again. Another command in the same folder reuses the jobs that both need. The script writes ledger.tsv (the
state of every job), selection.json (the chosen branches) and report.html, and prints the command that merges
them. Costs are in units of one conventional fine-tuning: all layers, 3 epochs, padded to 128.
"""

import sys
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from centrabert import command
from centrabert.distill.methods.method import DistillationMethod
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, flag_group, read
from centrabert.machine import usable_cores
from centrabert.modeling.file_lock import exclusive
from centrabert.search.dry_run import plan_text, stages_text, sure_jobs
from centrabert.search.earlier_jobs import adopt_earlier_jobs
from centrabert.search.finish import Rule, finish, report, selectable
from centrabert.search.jobs.job_spec import FROM_TEACHER, PLAN, STARTS, plan_order, write_plan
from centrabert.search.preflight import (
    Preflight,
    open_search,
    other_results,
    read_layers,
    reads_lower_case,
)
from centrabert.search.progress import display
from centrabert.search.search_loop import Findings, Search, finished_jobs
from centrabert.search.strategy.search_space import (
    BASELINES,
    HALVING,
    NO_BASELINE,
    STRATEGIES,
    SearchSpace,
    write_space,
)
from centrabert.search.workers import cores
from centrabert.search.workers.job_command import JobCommand
from centrabert.search.workers.local_pool import LocalPool
from centrabert.search.workers.ray_pool import Ray, RayPool
from centrabert.search.workers.worker_pool import Pool
from centrabert.task_flags import TaskListFlags, common_length
from centrabert.training_flags import HYPERPARAMETERS, ActivationSettings, define_method, read_method


@dataclass(frozen=True, kw_only=True)
class SearchFlags:
    """What is searched, how, and where."""

    bert_dir: Path = flag(
        "Folder of the pretrained BERT: bert_config.json, vocab.txt or a SentencePiece model, and "
        "bert_model.ckpt."
    )
    data: TaskListFlags = flag_group()
    fine_tuning_layers: tuple[int, ...] = flag(
        "Every L to try, the number of layers that a teacher tunes, as in 2,3,4."
    )
    student_layers: tuple[int, ...] = flag("Every l to try, the number of a student's own layers.", (1, 2, 3))
    learning_rates: tuple[float, ...] = flag("Every learning rate to try.", (5e-5,))
    num_train_epochs: tuple[float, ...] = flag("Every number of epochs to try.", (3.0,))
    seeds: tuple[int, ...] = flag(
        "Random seeds to train with. The strategy halving uses the first to explore, the others to confirm.",
        (0, 1, 2),
    )
    strategy: str = flag(
        "halving tries few L with one seed, and looks for the smallest one that the noise between seeds does "
        "not distinguish from the best; exhaustive, the paper's strategy, trains every L with every seed.",
        HALVING,
        choices=STRATEGIES,
    )
    output_dir: Path = flag("Folder to write jobs, ledger, selection and report into.")
    workers: int = flag(
        "Number of jobs that run at the same time and share the cores. 0 means one for each core and 4 GB "
        "of memory.",
        0,
        lower_bound=0,
    )
    ray_address: str | None = flag(
        "Address of a Ray cluster to run the jobs on: auto, on one of its nodes; host:port; or "
        "ray://host:port.",
        None,
    )
    cpus_per_job: float = flag("Number of cores that a job gets on a Ray cluster.", 1.0)
    gpus_per_job: float = flag("Number of GPUs that a job gets on a Ray cluster.", 0.0)
    dry_run: bool = flag(
        "Print the jobs to run and their cost, write those that are certainly needed to plan.jsonl, and "
        "stop.",
        False,
    )
    threshold: float = flag(
        "c: gain in percent points that justifies one more layer. The paper uses 1, 2 and 3.", 1.0
    )
    budget_layers: int = flag(
        "Instead of --threshold, select the best mean quality within this number of layers, trunk and "
        "branches together. 0 means no budget.",
        0,
    )
    merge: bool = flag("Merge the selected branches into OUTPUT_DIR/merged.", False)
    activations: ActivationSettings = flag_group(
        {
            "activation_cache_dir": "Folder of the cache, which other runs can read too. "
            "Default: activations in --output_dir."
        }
    )
    both_starts: bool = flag(
        "Also train students that start from the pretrained layers, to compare them with those that start "
        "from their teacher (Appendix C of the paper).",
        False,
    )
    baseline: str = flag(
        "Also fine-tune every variable, as a baseline: on batches of similar length (bucketed), or on "
        "batches padded to --max_seq_length, as BERT does (padded).",
        NO_BASELINE,
        choices=BASELINES,
    )
    baseline_learning_rates: tuple[float, ...] = flag("Every learning rate to try for the baseline.", (5e-5,))
    padded: bool = flag(
        "Also pad the batches of teachers and students to --max_seq_length, for comparison.", False
    )
    do_lower_case: bool | None = flag(
        "Whether to lower-case the text: true for an uncased vocabulary, false for a cased one. By default "
        "what tokenizer_config.json in --bert_dir says, else true, as in BERT.",
        None,
    )
    pooling: str = flag(
        "What the head reads: cls is BERT's pooled [CLS], mean is the mean of all token vectors.",
        "cls",
        choices=("cls", "mean"),
    )
    max_seq_length: int | None = flag(
        "Maximum number of word pieces in a text or a pair of texts; longer ones are truncated. Default: "
        "what --task_config says, else 128.",
        None,
    )
    unlabelled_dir: Path | None = flag(
        "Folder with texts without labels that students train on besides, from what their teachers say of "
        "them. It has a file TASK.tsv for each task that has such texts, with one on each line, or a tab "
        "between the two of a pair; centrabert collect-texts writes them.",
        None,
    )
    bias_correction: bool = flag(HYPERPARAMETERS["bias_correction"], False)
    bfloat16: bool = flag(HYPERPARAMETERS["bfloat16"], False)
    train_batch_size: int = flag("Number of rows in a training batch.", 32)
    max_train_rows: int = flag(
        "Maximum number of training rows; a larger training set is sampled, always in the same way. 0 means "
        "no limit.",
        0,
    )

    def space(self, method: DistillationMethod) -> SearchSpace:
        """The search space; raises UserError where BERT or the declarations do not allow it."""
        bert_dir = self.bert_dir.resolve()
        data_root, tasks = self.data.find()
        max_seq_length = common_length(tasks) if self.max_seq_length is None else self.max_seq_length
        return SearchSpace(
            bert_dir=str(bert_dir),
            num_hidden_layers=read_layers(bert_dir, max_seq_length),
            data_root=str(data_root),
            tasks=tuple(task.name for task in tasks),
            fine_tuning_layers=self.fine_tuning_layers,
            student_layers=self.student_layers,
            learning_rates=self.learning_rates,
            num_train_epochs=self.num_train_epochs,
            seeds=self.seeds,
            strategy=self.strategy,
            starts=STARTS if self.both_starts else (FROM_TEACHER,),
            baseline=self.baseline,
            baseline_learning_rates=self.baseline_learning_rates,
            padded=self.padded,
            pooling=self.pooling,
            max_seq_length=max_seq_length,
            train_batch_size=self.train_batch_size,
            do_lower_case=reads_lower_case(bert_dir, self.do_lower_case),
            max_train_rows=self.max_train_rows,
            bias_correction=self.bias_correction,
            bfloat16=self.bfloat16,
            method=method.name,
            settings=_settings(method),
            unlabelled_dir=str(self.unlabelled_dir.resolve()) if self.unlabelled_dir else "",
        )


FLAGS = define(SearchFlags)
define_method(FLAGS)


@dataclass(frozen=True)
class Run:
    """What is done; the folders are absolute."""

    space: SearchSpace
    output_dir: Path
    workers: int
    ray: Ray | None
    dry_run: bool
    rule: Rule
    merge: bool
    activations: ActivationSettings


def main() -> None:
    given = read(SearchFlags, FLAGS)
    output_dir = given.output_dir.resolve()
    run(
        Run(
            space=given.space(read_method(FLAGS)),
            output_dir=output_dir,
            workers=given.workers,
            ray=Ray(given.ray_address, given.cpus_per_job, given.gpus_per_job) if given.ray_address else None,
            dry_run=given.dry_run,
            rule=Rule(given.threshold, given.budget_layers),
            merge=given.merge,
            activations=given.activations.kept_in(output_dir / "activations"),
        )
    )


def _settings(method: DistillationMethod) -> tuple[tuple[str, Any], ...]:
    """Those that are not the method's defaults."""
    usual = {each.name: each.default for each in fields(method)}
    return tuple((name, value) for name, value in asdict(method).items() if value != usual[name])


def run(run: Run) -> None:
    """Searches, selects, and merges if asked."""
    run.output_dir.mkdir(parents=True, exist_ok=True)
    cached = run.activations.activation_cache_gb > 0
    opening = open_search(run.space, run.output_dir, cached, usable_cores())
    for error in opening.errors.values():
        print(f"left out: {error}", file=sys.stderr)
    for task in opening.without_texts:
        print(f"{task}: --unlabelled_dir has no {task}.tsv; its students learn without", file=sys.stderr)
    adopt_earlier_jobs(run.output_dir, opening.search.jobs_dir, opening.space)
    if others := other_results(opening.search):
        where = f"{len(others)} jobs in {opening.search.jobs_dir}"
        print(f"left out: {where}, which are of another BERT, other data or other texts", file=sys.stderr)
    if run.dry_run:
        _plan(opening)
        return
    with exclusive(run.output_dir):
        write_space(opening.space, run.output_dir)
        search, pool = _pool(run, opening.search)
        findings = search.run(pool, display(sys.stderr))
        try:
            candidates = selectable(findings.finished(search.jobs_dir), search.space, search.dev_rows)
            finished = finished_jobs(search.space, search.jobs_dir)
            if candidates:
                finish(finished, search.space, run.output_dir, run.rule.select(candidates), run.merge)
            else:
                report(finished, search.space, run.output_dir, None)
        finally:
            _tell_failures(opening, findings)
    if failed := len(opening.errors) + len(findings.errors):
        raise UserError(
            f"{failed} failed, see above; fix what failed and run the same command again to resume"
        )


def _pool(run: Run, search: Search) -> tuple[Search, Pool]:
    """The workers, and the search that knows how many cores they have together."""
    if run.ray is None:
        workers = run.workers or cores.default_workers(search.cores, cores.memory_bytes())
        command = _job_command(run, search, max(1, search.cores // workers))
        return search, LocalPool(search.jobs_dir, cores.worker_cores(search.cores, workers), command)
    ray, command = run.ray, _job_command(run, search, run.ray.threads)
    pool = RayPool(ray.address, search.jobs_dir, command, ray.cpus_per_job, ray.gpus_per_job)
    return replace(search, cores=pool.workers * ray.threads), pool


def _job_command(run: Run, search: Search, threads: int) -> JobCommand:
    return JobCommand(
        jobs_dir=search.jobs_dir,
        activations=run.activations.arguments,
        depths=search.space.depths,
        threads=threads,
    )


def _plan(opening: Preflight) -> None:
    search, findings = opening.search, opening.search.read()
    jobs, file = plan_order(sure_jobs(search, findings)), search.output_dir / PLAN
    write_plan(jobs, file)
    print(plan_text(search, findings) + stages_text(jobs, file), end="")


def _tell_failures(opening: Preflight, findings: Findings) -> None:
    failures = [*opening.errors.values(), *(f"{job.title}: {text}" for job, text in findings.errors.items())]
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)


if __name__ == "__main__":
    command.run(main, FLAGS)
