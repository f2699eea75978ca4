"""Keeps every version of a merged model in a store, and changes one task at a time.

The first argument says what to do, and the flags with what:

    centrabert store create --store=store --base=output/bert
    centrabert store add --store=store --branches=output/student/rte --owners=alice,bob
    centrabert store update --store=store --branches=output/student2/rte --message="more data"
    centrabert store promote --store=store --version=2 --label=stable
    centrabert store export --store=store --export_dir=output/serving

A change (add, update, remove, rename) makes a new version. Before the version counts, its exported graph is
asked the golden texts of the changed task, and the old and the new graph those of the others, which they must
answer alike to the last bit. If the command is killed, the store is as it was. list, show, log, diff and
verify only read; promote and rollback move a label; export writes what the labels point to into a folder that
TF Serving or `centrabert serve` watches; checkout writes a version as a merged model; gc removes old
versions. docs/STORE.md tells more.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from centrabert import command
from centrabert.errors import UserError
from centrabert.export.contract.version_folder import STABLE
from centrabert.flag_fields import define, flag, read

if TYPE_CHECKING:
    from centrabert.export.lifecycle.model_store import ModelStore
    from centrabert.export.lifecycle.version_change import ChangeOptions, Outcome

CHANGING = ("author", "message", "force", "retry", "dry_run", "replay")
# What each verb takes besides --store, --json and --debug; "!" marks what it cannot do without.
TAKES: Mapping[str, tuple[str, ...]] = {
    "create": ("base!",),
    "add": ("branches!", "owners", *CHANGING),
    "update": ("branches!", "owners", *CHANGING),
    "remove": ("task!", *CHANGING),
    "rename": ("task!", "to!", *CHANGING),
    "list": (),
    "show": ("version",),
    "log": (),
    "diff": ("version!", "other_version"),
    "verify": ("export_dir",),
    "checkout": ("version!", "output_dir!"),
    "promote": ("version!", "label", "author", "retry", "dry_run"),
    "rollback": ("label", "author", "retry", "dry_run"),
    "export": ("export_dir!", "model_name", "cores", "claim"),
    "gc": ("keep", "retry", "dry_run"),
}
ALWAYS = frozenset(["verb", "store", "json", "debug", "help"])


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    verb: str = flag("What to do; it may stand first, without --verb=.", choices=tuple(TAKES))
    store: Path = flag("Folder of the store.")
    base: Path | None = flag("create: folder of the pretrained BERT that all branches are trained on.", None)
    branches: tuple[str, ...] | None = flag(
        "add, update: folders of trained branches, separated by commas; all go into one version.", None
    )
    owners: tuple[str, ...] | None = flag(
        "add, update: names of those who may change the task, separated by commas. By default everybody may; "
        "an update leaves the owners as they are.",
        None,
    )
    task: str = flag("remove, rename: name of the task.", "")
    to: str = flag("rename: new name of the task.", "")
    version: str = flag("Number of a version, or a label that points to it. The default is the newest.", "")
    other_version: str = flag("diff: the version to compare with. The default is the newest.", "")
    label: str = flag("promote, rollback: label that is moved, such as canary.", STABLE)
    author: str = flag("Name of who makes the change. By default the user's name on this machine.", "")
    message: str = flag("One line that tells why.", "")
    force: bool = flag("Change a task although others own it; the log tells that.", False)
    retry: bool = flag(
        "If somebody else is changing the store, wait, and make the change on what he leaves. It is refused "
        "if both change the same task.",
        False,
    )
    dry_run: bool = flag("Check everything that can be checked without writing, and change nothing.", False)
    replay: str = flag(
        "Which tasks are asked their golden texts: the changed one, or all, of the old and of the new "
        "version, which must answer the same bits. auto asks all of up to 16 tasks.",
        "auto",
        choices=("auto", "all", "changed"),
    )
    export_dir: Path | None = flag(
        "export: folder that a server watches. verify: exported versions to verify besides the store.", None
    )
    output_dir: Path | None = flag("checkout: folder to write the merged model into.", None)
    model_name: str = flag("export: name by which clients ask for the model.", "centrabert")
    cores: int | None = flag(
        "export: number of batches that a server computes at a time. By default it is the number of cores "
        "that this process may use.",
        None,
    )
    claim: str = flag("export: Kubernetes' PersistentVolumeClaim whose root is the export folder.", "")
    keep: int = flag("gc: number of newest versions that stay besides those with a label.", 10, lower_bound=1)
    json: bool = flag("Print JSON instead of a table.", False)


FLAGS = define(Run)


def main() -> None:
    run = read(Run, FLAGS)
    _check_flags(run.verb)
    text, value = VERBS[run.verb](run)
    print(json.dumps(value, ensure_ascii=False, indent=2) if run.json else text, end="\n" if run.json else "")


def _check_flags(verb: str) -> None:
    """Raises UserError for a flag that the verb does not take, or one that is missing."""
    takes = {name.rstrip("!") for name in TAKES[verb]}
    given = {name for name in FLAGS if FLAGS[name].present}
    if wrong := sorted(given - takes - ALWAYS):
        told = ", ".join(f"--{name}" for name in sorted(takes)) or "no flag but --store and --json"
        raise UserError(f"{verb} does not take --{wrong[0]}; it takes {told}")
    for name in TAKES[verb]:
        if name.endswith("!") and name[:-1] not in given:
            raise UserError(f"{verb} needs --{name[:-1]}")


def _store(run: Run) -> "ModelStore":
    from centrabert.export.lifecycle.model_store import ModelStore

    return ModelStore(run.store)


def _options(run: Run) -> "ChangeOptions":
    from centrabert.export.lifecycle.version_change import ChangeOptions

    names = ("author", "message", "replay", "force", "retry", "dry_run")
    return ChangeOptions(**{name: getattr(run, name) for name in names})


def _create(run: Run) -> tuple[str, Any]:
    from centrabert.export.lifecycle.model_store import ModelStore

    store = ModelStore.create(run.store, _given(run.base))
    layers = store.base.config.num_hidden_layers
    return f"{run.store}: a store on a base of {layers} layers, without versions yet\n", {
        "store": store.base.store
    }


def _add(run: Run) -> tuple[str, Any]:
    return _told(_store(run).add(*_branches(run), owners=run.owners or (), options=_options(run)))


def _update(run: Run) -> tuple[str, Any]:
    return _told(_store(run).update(*_branches(run), owners=run.owners, options=_options(run)))


def _remove(run: Run) -> tuple[str, Any]:
    return _told(_store(run).remove(run.task, _options(run)))


def _rename(run: Run) -> tuple[str, Any]:
    return _told(_store(run).rename(run.task, run.to, _options(run)))


def _list(run: Run) -> tuple[str, Any]:
    from centrabert.export.lifecycle.store_text import version_list

    store = _store(run)
    return version_list(store), {
        "labels": dict(store.labels.versions),
        "versions": [
            {"number": each.number, "parent": each.parent, "change": each.change, **asdict(each.author)}
            for each in store.versions().values()
        ],
    }


def _show(run: Run) -> tuple[str, Any]:
    from centrabert.export.lifecycle.store_text import version_text

    store = _store(run)
    version = store.version(run.version) if run.version else store.latest
    if version is None:
        raise UserError(f"{run.store}: there is no version yet; add a branch")
    return version_text(store, version), {**asdict(version), "proof": asdict(store.proof(version.number))}


def _log(run: Run) -> tuple[str, Any]:
    from centrabert.export.lifecycle.store_text import version_log

    store = _store(run)
    return version_log(store), [asdict(version) for version in store.versions().values()]


def _diff(run: Run) -> tuple[str, Any]:
    from centrabert.export.lifecycle.store_text import diff_text

    store = _store(run)
    newest = store.latest.number if store.latest else run.version
    differences = store.diff(run.version, run.other_version or newest)
    return diff_text(differences), dict(differences)


def _verify(run: Run) -> tuple[str, Any]:
    from centrabert.export.lifecycle.store_export import export_faults

    store = _store(run)
    faults = store.verify() + ([] if run.export_dir is None else export_faults(store, run.export_dir))
    if faults:
        raise UserError("; ".join(faults))
    count = len(store.folder.numbers())
    return f"{run.store}: every byte of {count} versions is as it was written\n", {
        "versions": count,
        "faults": [],
    }


def _checkout(run: Run) -> tuple[str, Any]:
    from centrabert.merge.summary_table import table

    manifest = _store(run).checkout(run.version, _given(run.output_dir))
    return table(manifest), {"output_dir": str(run.output_dir), "tasks": list(manifest.tasks)}


def _promote(run: Run) -> tuple[str, Any]:
    return _labelled(run, _store(run).promote(run.label, run.version, _options(run)))


def _rollback(run: Run) -> tuple[str, Any]:
    return _labelled(run, _store(run).roll_back(run.label, _options(run)))


def _export(run: Run) -> tuple[str, Any]:
    from centrabert.export.deploy.tf_serving import TfServing
    from centrabert.export.lifecycle.store_export import export_labelled
    from centrabert.machine import usable_cores

    cores = usable_cores() if run.cores is None else run.cores
    serving = TfServing(run.model_name, cores, run.claim)
    folders = export_labelled(_store(run), _given(run.export_dir), serving)
    lines = [f"{label}: {folder}\n" for label, folder in sorted(folders.items())]
    return "".join(lines), {label: str(folder) for label, folder in folders.items()}


def _gc(run: Run) -> tuple[str, Any]:
    from centrabert.export.lifecycle.store_text import garbage_text

    found = _store(run).gc(run.keep, _options(run))
    return garbage_text(found, run.dry_run), asdict(found)


def _labelled(run: Run, number: int) -> tuple[str, Any]:
    said = "would point" if run.dry_run else "points"
    return f"{run.label} {said} to version {number}\n", {"label": run.label, "version": number}


def _told(outcome: "Outcome") -> tuple[str, Any]:
    from centrabert.export.lifecycle.store_text import outcome_text

    return outcome_text(outcome), asdict(outcome)


def _branches(run: Run) -> list[Path]:
    return [Path(folder) for folder in run.branches or () if folder]


def _given(value: Path | None) -> Path:
    if value is None:
        raise ValueError("`_check_flags` lets no verb through without what it needs")
    return value


VERBS: Mapping[str, Callable[[Run], tuple[str, Any]]] = {
    "create": _create,
    "add": _add,
    "update": _update,
    "remove": _remove,
    "rename": _rename,
    "list": _list,
    "show": _show,
    "log": _log,
    "diff": _diff,
    "verify": _verify,
    "checkout": _checkout,
    "promote": _promote,
    "rollback": _rollback,
    "export": _export,
    "gc": _gc,
}


if __name__ == "__main__":
    command.run(main, FLAGS)
