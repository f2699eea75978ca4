"""Searches which L and which l each task needs: trains teachers, distils students, and selects.

Every job is a process with a folder of its own in OUTPUT_DIR/jobs, named by the digest of its spec. If the
search was interrupted, in whatever way, run the same command again to resume it; jobs that failed are tried
again. Another command in the same folder reuses the jobs that both need. The script writes ledger.tsv (the
state of every job), selection.json (the chosen branches) and report.html, and prints the command that merges
them. Costs are in units of one conventional fine-tuning: all layers, 3 epochs, padded to 128.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from absl import flags

from centrabert import command, training_flags
from centrabert.errors import UserError
from centrabert.machine import usable_cores
from centrabert.modeling.file_lock import exclusive
from centrabert.search.dry_run import plan_text, stages_text, sure_jobs
from centrabert.search.earlier_jobs import adopt_earlier_jobs
from centrabert.search.finish import Rule, finish, report, selectable
from centrabert.search.jobs.job_spec import FROM_TEACHER, PLAN, STARTS, plan_order, write_plan
from centrabert.search.preflight import (
    Preflight,
    common_length,
    open_search,
    other_results,
    read_layers,
    reads_lower_case,
    searched_tasks,
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

FLAGS = flags.FlagValues()
define_bool = partial(flags.DEFINE_bool, flag_values=FLAGS)
define_enum = partial(flags.DEFINE_enum, flag_values=FLAGS)
define_float = partial(flags.DEFINE_float, flag_values=FLAGS)
define_integer = partial(flags.DEFINE_integer, flag_values=FLAGS)
define_list = partial(flags.DEFINE_list, flag_values=FLAGS)
define_string = partial(flags.DEFINE_string, flag_values=FLAGS)
define_string(
    "bert_dir",
    None,
    "Folder of the pretrained BERT: bert_config.json, vocab.txt or a SentencePiece model, and "
    "bert_model.ckpt.",
)
define_string("data_root", None, "Folder that holds a folder for each GLUE task, such as SST-2 and RTE.")
define_string("task_config", None, "YAML file that declares tasks of your own, instead of --data_root.")
define_list("tasks", None, "Names of tasks, separated by commas. By default all that --task_config declares.")
define_list(
    "fine_tuning_layers", None, "Every L to try, the number of layers that a teacher tunes, as in 2,3,4."
)
define_list("student_layers", ["1", "2", "3"], "Every l to try, the number of a student's own layers.")
define_list("learning_rates", ["5e-5"], "Every learning rate to try.")
define_list("num_train_epochs", ["3"], "Every number of epochs to try.")
define_list(
    "seeds",
    ["0", "1", "2"],
    "Random seeds to train with. The strategy halving uses the first to explore, the others to confirm.",
)
define_enum(
    "strategy",
    HALVING,
    list(STRATEGIES),
    "halving tries few L with one seed, and looks for the smallest one that the noise between seeds does not "
    "distinguish from the best; "
    "exhaustive, the paper's strategy, trains every L with every seed.",
)
define_string("output_dir", None, "Folder to write jobs, ledger, selection and report into.")
define_integer(
    "workers",
    0,
    "Number of jobs that run at the same time and share the cores. 0 means one for each core and 4 GB of "
    "memory.",
    lower_bound=0,
)
define_string(
    "ray_address",
    "",
    "Address of a Ray cluster to run the jobs on: auto, on one of its nodes; host:port; or ray://host:port.",
)
define_float("cpus_per_job", 1.0, "Number of cores that a job gets on a Ray cluster.")
define_float("gpus_per_job", 0.0, "Number of GPUs that a job gets on a Ray cluster.")
define_bool(
    "dry_run",
    False,
    "Print the jobs to run and their cost, write those that are certainly needed to plan.jsonl, and stop.",
)
define_float(
    "threshold", 1.0, "c: gain in percent points that justifies one more layer. The paper uses 1, 2 and 3."
)
define_integer(
    "budget_layers",
    0,
    "Instead of --threshold, select the best mean quality within this number of layers, trunk and branches "
    "together. 0 means no budget.",
)
define_bool("merge", False, "Merge the selected branches into OUTPUT_DIR/merged.")
training_flags.define_activation_cache(FLAGS, "activations in --output_dir")
define_bool(
    "both_starts",
    False,
    "Also train students that start from the pretrained layers, to compare them with those that start from "
    "their teacher (Appendix C of the paper).",
)
define_enum(
    "baseline",
    NO_BASELINE,
    list(BASELINES),
    "Also fine-tune every variable, as a baseline: on batches of similar length (bucketed), or on batches "
    "padded to --max_seq_length, as BERT does (padded).",
)
define_list("baseline_learning_rates", ["5e-5"], "Every learning rate to try for the baseline.")
define_bool(
    "padded", False, "Also pad the batches of teachers and students to --max_seq_length, for comparison."
)
define_bool(
    "do_lower_case",
    None,
    "Whether to lower-case the text: true for an uncased vocabulary, false for a cased one. By default what "
    "tokenizer_config.json in --bert_dir says, else true, as in BERT.",
)
define_enum(
    "pooling",
    "cls",
    ["cls", "mean"],
    "What the head reads: cls is BERT's pooled [CLS], mean is the mean of all token vectors.",
)
define_integer(
    "max_seq_length",
    None,
    "Maximum number of word pieces in a text or a pair of texts; longer ones are truncated. Default: what "
    "--task_config says, else 128.",
)
define_integer("train_batch_size", 32, "Number of rows in a training batch.")
define_integer(
    "max_train_rows",
    0,
    "Maximum number of training rows; a larger training set is sampled, always alike. 0 means no limit.",
)
for required in ("bert_dir", "fine_tuning_layers", "output_dir"):
    flags.mark_flag_as_required(required, flag_values=FLAGS)


@dataclass(frozen=True)
class Run:
    """What the flags ask for; the folders are absolute."""

    space: SearchSpace
    output_dir: Path
    workers: int
    ray: Ray | None
    dry_run: bool
    rule: Rule
    merge: bool
    activations: training_flags.ActivationSettings


ACTIVATIONS = "activations"
Number = TypeVar("Number", int, float)


def main() -> None:
    output_dir = Path(FLAGS.output_dir).resolve()
    run(
        Run(
            space=_space(),
            output_dir=output_dir,
            workers=FLAGS.workers,
            ray=Ray(FLAGS.ray_address, FLAGS.cpus_per_job, FLAGS.gpus_per_job) if FLAGS.ray_address else None,
            dry_run=FLAGS.dry_run,
            rule=Rule(FLAGS.threshold, FLAGS.budget_layers),
            merge=FLAGS.merge,
            activations=training_flags.activation_settings(FLAGS, output_dir / ACTIVATIONS),
        )
    )


def run(run: Run) -> None:
    """Searches, selects, and merges if asked."""
    run.output_dir.mkdir(parents=True, exist_ok=True)
    cached = run.activations.activation_cache_gb > 0
    opening = open_search(run.space, run.output_dir, cached, usable_cores())
    for error in opening.errors.values():
        print(f"left out: {error}", file=sys.stderr)
    adopt_earlier_jobs(run.output_dir, opening.search.jobs_dir, opening.space)
    if others := other_results(opening.search):
        where = f"{len(others)} jobs in {opening.search.jobs_dir}"
        print(f"left out: {where}, which are of another BERT or of other data", file=sys.stderr)
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


def _space() -> SearchSpace:
    bert_dir = Path(FLAGS.bert_dir).resolve()
    data_root, tasks = searched_tasks(FLAGS.data_root, FLAGS.task_config, FLAGS.tasks)
    max_seq_length = common_length(tasks) if FLAGS.max_seq_length is None else FLAGS.max_seq_length
    return SearchSpace(
        bert_dir=str(bert_dir),
        num_hidden_layers=read_layers(bert_dir, max_seq_length),
        data_root=str(data_root),
        tasks=tuple(task.name for task in tasks),
        fine_tuning_layers=_numbers("fine_tuning_layers", int),
        student_layers=_numbers("student_layers", int),
        learning_rates=_numbers("learning_rates", float),
        num_train_epochs=_numbers("num_train_epochs", float),
        seeds=_numbers("seeds", int),
        strategy=FLAGS.strategy,
        starts=STARTS if FLAGS.both_starts else (FROM_TEACHER,),
        baseline=FLAGS.baseline,
        baseline_learning_rates=_numbers("baseline_learning_rates", float),
        padded=FLAGS.padded,
        pooling=FLAGS.pooling,
        max_seq_length=max_seq_length,
        train_batch_size=FLAGS.train_batch_size,
        do_lower_case=reads_lower_case(bert_dir, FLAGS.do_lower_case),
        max_train_rows=FLAGS.max_train_rows,
    )


def _numbers(flag: str, kind: Callable[[str], Number]) -> tuple[Number, ...]:
    try:
        return tuple(kind(text) for text in FLAGS[flag].value)
    except ValueError:
        listed = ",".join(FLAGS[flag].value)
        raise UserError(f"--{flag}={listed} is not a list of numbers, as in 1,2,3") from None


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
