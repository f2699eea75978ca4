"""Which flags each verb of `centrabert store` takes."""

from collections.abc import Collection, Mapping

from centrabert.errors import UserError

CHANGING = ("author", "message", "force", "retry", "dry_run", "replay")
GATE = ("require_not_worse", "data", "task", "task_config")
# Besides --store, --json and --debug; "!" marks what a verb cannot do without.
TAKES: Mapping[str, tuple[str, ...]] = {
    "create": ("base!",),
    "add": ("branches!", "branch_base", "owners", *CHANGING),
    "update": ("branches!", "branch_base", "owners", *CHANGING),
    "remove": ("task!", *CHANGING),
    "rename": ("task!", "to!", *CHANGING),
    "list": (),
    "show": ("version", "html"),
    "log": (),
    "diff": ("version!", "other_version"),
    "verify": ("export_dir",),
    "checkout": ("version!", "output_dir!"),
    "promote": ("version!", "label", *GATE, "author", "retry", "dry_run"),
    "rollback": ("label", "author", "retry", "dry_run"),
    "export": ("export_dir!", "model_name", "cores", "claim"),
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
