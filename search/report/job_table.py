"""Every finished job in words: what it was asked, where it lies, what it brought and cost."""

from centrabert.search.jobs.finished_job import FinishedJob

HEADER = ("job", "folder", "result", "seconds", "of them setup", "CPU seconds", "tokens", "steps")
FOLDER = "folder"


def job_row(job: FinishedJob) -> tuple[str, ...]:
    """Plain text under HEADER."""
    result = job.result
    return (
        job.spec.title,
        job.folder,
        job_result(job),
        f"{job.seconds:,.1f}",
        f"{result.setup_seconds:,.1f}",
        f"{result.cpu_seconds:,.1f}",
        f"{result.tokens:,}",
        f"{result.steps:,}",
    )


def job_result(job: FinishedJob) -> str:
    """`accuracy 68.30, f1 71.25`: the metric that chose the checkpoint, then the others, in percent."""
    result = job.result
    others = {name: value for name, value in result.metrics.items() if name != result.metric}
    every = {result.metric: result.quality, **others}
    return ", ".join(f"{name} {100 * value:.2f}" for name, value in every.items())
