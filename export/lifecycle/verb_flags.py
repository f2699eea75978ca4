"""Which flags each verb of `centrabert store` takes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from centrabert.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ChangeFlags:
    """Who makes a change, why and how: fields of `ChangeOptions`."""

    author: str = ""
    message: str = ""
    force: bool = False
    retry: bool = False
    dry_run: bool = False


CHANGE_HELP = {
    "author": "Name of who makes the change. By default the user's name on this machine.",
    "message": "One line that tells why.",
    "force": "Change a task although others own it; the log tells that.",
    "retry": "If somebody else is changing the store, wait, and make the change on what he leaves. It is "
    "refused if both change the same task.",
    "dry_run": "Check everything but the answers of the new version, and write nothing.",
}


@dataclass(frozen=True, kw_only=True)
class ServerFlags:
    """What an export writes for TF Serving."""

    model_name: str = "centrabert"
    cores: int | None = None
    claim: str = ""


SERVER_HELP = {
    "model_name": "export: name by which clients ask for the model.",
    "cores": "export: number of batches that a server computes at a time. By default it is the number of "
    "cores that this process may use.",
    "claim": "export: Kubernetes' PersistentVolumeClaim whose root is the export folder.",
}
CHANGING = (*CHANGE_HELP, "replay")
GATE = ("require_not_worse", "data", "task", "task_config")
# Besides --store, --json and --debug; "!" marks what a verb cannot do without.
TAKES: Mapping[str, tuple[str, ...]] = {
    "create": ("base!", "do_lower_case", "dry_run"),
    "add": ("branches!", "branch_base", "owners", *CHANGING),
    "update": ("branches!", "branch_base", "owners", *CHANGING),
    "remove": ("task!", *CHANGING),
    "rename": ("task!", "to!", *CHANGING),
    "list": (),
    "show": ("version", "html"),
    "log": (),
    "diff": ("version!", "other_version"),
    "verify": ("export_dir",),
    "repair": ("branches!", "retry", "dry_run"),
    "checkout": ("version!", "output_dir!", "dry_run"),
    "promote": ("version!", "label", *GATE, "author", "retry", "dry_run"),
    "rollback": ("label", "author", "retry", "dry_run"),
    "unlabel": ("label!", "author", "retry", "dry_run"),
    "export": ("export_dir!", *SERVER_HELP, "dry_run"),
    "gc": ("keep", "retry", "dry_run"),
}
ALWAYS = frozenset(["verb", "store", "json", "debug", "help"])


def check_flags(verb: str, given: Collection[str]) -> None:
    """Raises UserError for a flag that the verb does not take, or one that is missing.

    Args:
      given: Names of the flags that were given.
    """
    takes = {name.rstrip("!") for name in TAKES[verb]}
    if wrong := sorted(set(given) - takes - ALWAYS):
        told = ", ".join(f"--{name}" for name in sorted(takes)) or "no flag but --store and --json"
        raise UserError(f"{verb} does not take --{wrong[0]}; it takes {told}")
    for name in TAKES[verb]:
        if name.endswith("!") and name[:-1] not in given:
            raise UserError(f"{verb} needs --{name[:-1]}")
    gate = [name for name in GATE if name in given]
    if verb == "promote" and gate:
        for name in GATE[:2]:
            if name not in given:
                raise UserError(f"--{gate[0]} goes with --{name}")


def given(value: Path | None) -> Path:
    """The value of a flag that the verb cannot do without."""
    if value is None:
        raise ValueError("`check_flags` lets no verb through without what it needs")
    return value
