"""A plan as a file: one job in JSON on each line, in the order in which they are wanted."""

import json
from collections.abc import Iterable
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.files import write_text
from centrabert.search.jobs.job_spec import JobSpec

FILE = "plan.jsonl"


def write_plan(specs: Iterable[JobSpec], path: Path) -> None:
    """Writes the file in one step; raises OSError, the old file untouched."""
    write_text(path, "".join(f"{json.dumps(spec.to_json())}\n" for spec in specs))


def read_plan(path: Path) -> tuple[JobSpec, ...]:
    """Inverse of `write_plan`; raises UserError naming file and line for whatever does not fit."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run_search --dry_run writes a plan") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}") from None
    return tuple(_spec(line, f"{path}:{number}") for number, line in enumerate(lines, start=1))


def _spec(line: str, source: str) -> JobSpec:
    try:
        keys = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f"{source}: not JSON: {error.msg}") from None
    try:
        return JobSpec.from_json(keys)
    except (ValueError, TypeError, AttributeError) as error:  # the last two: a value of another type
        raise UserError(f"{source}: {error}") from None
