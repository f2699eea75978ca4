"""run.json: all that decides a training run, so that an output folder belongs to one run alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.branch_folder import RUN
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.format import Format
from centrabert.modeling.formats.json_file import Keys
from centrabert.modeling.training.initialization import PRETRAINED, TEACHER

UNKNOWN = None  # what a run of version 0 did not say


def _with_objective(keys: Keys) -> Keys:
    """Version 0 knew fine-tuning and vanilla distillation, whose settings stood among the hyper-parameters.

    It did not say to which length batches were padded.
    """
    hyperparameters = dict(keys["hyperparameters"])
    settings = ("temperature", "soft_weight", "hard_weight")
    student = keys["teacher_digest"] is not None
    branch, frozen = keys["branch"], keys["branch"]["frozen"]
    from_teacher = student and not hyperparameters.pop("from_pretrained", False)
    return {
        **keys,
        "objective": {"method": "vanilla_kd", **{name: hyperparameters.pop(name) for name in settings}}
        if student
        else {"method": "fine_tuning"},
        "initialization": {
            "origin": TEACHER if from_teacher else PRETRAINED,
            "layers": list(range(frozen, frozen + branch["tuned"])),
        },
        "hyperparameters": hyperparameters,
        "padded_to": UNKNOWN,
    }


def _with_config(keys: Keys) -> Keys:
    """Version 1 did not say the config, whose dropout no weight tells, nor the order of joint tasks."""
    return {**keys, "config": UNKNOWN, **({"task_order": UNKNOWN} if "tasks" in keys else {})}


FORMAT = Format(RUN, version=2, upgrades={0: _with_objective, 1: _with_config})
UNSAID = ("padded_to", "config", "task_order")  # what an upgrade may have left UNKNOWN


def claim(output_dir: Path, identity: Mapping[str, Any]) -> None:
    """Writes run.json into a new output folder; the caller holds the folder's lock.

    Raises:
      UserError: The folder holds another run, or something that is no run.
    """
    file = output_dir / RUN
    if not file.exists():
        if any(not path.name.startswith(".") for path in output_dir.iterdir()):
            raise UserError(f"{output_dir}: is not empty and holds no run; choose another --output_dir")
        write_text(file, FORMAT.text(dict(identity)))
        return
    before = FORMAT.read(file)
    unknown = [name for name in UNSAID if name in before and before[name] is UNKNOWN]
    before |= {name: identity.get(name) for name in unknown}
    if differing := _differing(before, identity):
        raise UserError(
            f"{file}: holds another run, which differs in {'; '.join(differing)}; choose another --output_dir"
        )


def _differing(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The leaves in which two JSON objects differ, as `name: old, now new`."""
    found = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differing(old, new, f"{prefix}{name}.")
        elif old != new:
            found.append(f"{prefix}{name}: {old!r}, now {new!r}")
    return found
