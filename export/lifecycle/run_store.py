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
verify only read; promote and rollback move a label, unlabel removes it; export writes what the labels point
to into a folder that TF Serving or `centrabert serve` watches; repair writes damaged branches again; checkout
writes a version as a merged model; gc removes old versions. docs/STORE.md tells more.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from centrabert import command
from centrabert.errors import UserError
from centrabert.export.contract.version_folder import STABLE
from centrabert.export.lifecycle import verb_flags
from centrabert.flag_fields import define, flag, flag_group, read
from centrabert.modeling.files import write_text

if TYPE_CHECKING:
    from centrabert.export.lifecycle.model_store import ModelStore
    from centrabert.export.lifecycle.version_change import ChangeOptions, Outcome


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    verb: str = flag("What to do; it may stand first, without --verb=.", choices=tuple(verb_flags.TAKES))
    store: Path = flag("Folder of the store.")
    base: Path | None = flag("create: folder of the pretrained BERT that all branches are trained on.", None)
    do_lower_case: bool | None = flag(
        "create: whether to lower-case the text: true for an uncased vocabulary, false for a cased one. By "
        "default what tokenizer_config.json in --base says, else true, as in BERT.",
        None,
    )
    branches: tuple[str, ...] | None = flag(
        "add, update: folders of trained branches, separated by commas; all go into one version. repair: "
        "folders that stored branches came from.",
        None,
    )
    branch_base: Path | None = flag(
        "add, update: folder of the branches' BERT, so that an error tells by how much the store's differs.",
        None,
    )
    owners: tuple[str, ...] | None = flag(
        "add, update: names of those who may change the task, separated by commas. By default everybody may; "
        "an update leaves the owners as they are.",
        None,
    )
    task: str = flag(
        "remove, rename: name of the task. promote: which task the rows of --data are of, if the versions "
        "differ in several.",
        "",
    )
    to: str = flag("rename: new name of the task.", "")
    html: Path | None = flag("show: HTML file to write: versions, model, metrics over versions.", None)
    version: str = flag("Number of a version, or a label that points to it. The default is the newest.", "")
    other_version: str = flag("diff: the version to compare with. The default is the newest.", "")
    label: str = flag("promote, rollback, unlabel: label that is moved or removed, such as canary.", STABLE)
    require_not_worse: float | None = flag(
        "promote: refuse a version that is worse than the one the label points to, by a loss in the task's "
        "metric that is significantly larger than this margin (one-sided, level 0.05), a fraction; without a "
        "value it is 0. Both are asked the rows of --data.",
        None,
        bare=0.0,
        lower_bound=0.0,
    )
    data: Path | None = flag(
        "promote: file with labelled rows of the task: a file of GLUE, or one with the columns or keys text, "
        "text_b (of a pair) and label.",
        None,
    )
    task_config: Path | None = flag(
        "promote: YAML file that declares the task, for other columns or formats of --data; docs/TASKS.md "
        "shows one.",
        None,
    )
    change: verb_flags.ChangeFlags = flag_group(verb_flags.CHANGE_HELP)
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
    server: verb_flags.ServerFlags = flag_group(verb_flags.SERVER_HELP)
    keep: int = flag("gc: number of newest versions that stay besides those with a label.", 10, lower_bound=1)
    json: bool = flag("Print JSON instead of a table.", False)


FLAGS = define(Run)


def main() -> None:
    run = read(Run, FLAGS)
    verb_flags.check_flags(run.verb, [name for name in FLAGS if FLAGS[name].present])
    text, value = VERBS[run.verb](run)
    print(_json(value) if run.json else text, end="")


def _json(value: Any) -> str:
    return f"{json.dumps(value, ensure_ascii=False, indent=2)}\n"


def _store(run: Run) -> "ModelStore":
    from centrabert.export.lifecycle.model_store import ModelStore

    return ModelStore(run.store)


def _options(run: Run) -> "ChangeOptions":
    from centrabert.export.lifecycle.version_change import ChangeOptions

    return ChangeOptions(replay=run.replay, **asdict(run.change))


def _create(run: Run) -> tuple[str, Any]:
    from centrabert.export.lifecycle.new_store import write_new_store

    base, dry_run = verb_flags.given(run.base), run.change.dry_run
    layers = write_new_store(run.store, base, run.do_lower_case, dry_run).num_hidden_layers
    said = f"{'would be ' * dry_run}a store on a base of {layers} layers, without versions yet"
    return f"{run.store}: {said}\n", {"store": None if dry_run else _store(run).base.store}


def _add(run: Run) -> tuple[str, Any]:
    return _with_branches(run, _store(run).add, run.owners or ())


def _update(run: Run) -> tuple[str, Any]:
    return _with_branches(run, _store(run).update, run.owners)


def _with_branches(run: Run, verb: Callable[..., "Outcome"], owners: Any) -> tuple[str, Any]:
    return _told(verb(*_branches(run), owners=owners, options=_options(run), branch_base=run.branch_base))


def _repair(run: Run) -> tuple[str, Any]:
    from centrabert.export.lifecycle.store_text import repair_text

    damaged = _store(run).repair(*_branches(run), options=_options(run))
    return repair_text(damaged, run.change.dry_run), {"branches": damaged}


def _branches(run: Run) -> list[Path]:
    return [Path(folder) for folder in run.branches or () if folder]


def _remove(run: Run) -> tuple[str, Any]:
    return _told(_store(run).remove(run.task, _options(run)))


def _rename(run: Run) -> tuple[str, Any]:
    return _told(_store(run).rename(run.task, run.to, _options(run)))


def _list(run: Run) -> tuple[str, Any]:
    from centrabert.export.lifecycle.store_text import version_list, versions_json

    store = _store(run)
    return version_list(store), {"labels": dict(store.labels.versions), "versions": versions_json(store)}


def _show(run: Run) -> tuple[str, Any]:
    from centrabert.export.lifecycle.store_history import history_page
    from centrabert.export.lifecycle.store_text import version_text

    store = _store(run)
    version = store.version(run.version) if run.version else store.latest
    if version is None:
        raise UserError(f"{run.store}: there is no version yet; add a branch")
    if run.html is not None:
        store.folder.check_outside(run.html)
        write_text(run.html, history_page(store, version))
        return f"wrote {run.html}\n", {"html": str(run.html)}
    return version_text(store, version), {**asdict(version), "proof": asdict(store.proof(version.number))}


def _log(run: Run) -> tuple[str, Any]:
    from centrabert.export.lifecycle.store_text import log_json, version_log

    store = _store(run)
    return version_log(store), log_json(store)


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
    count = len(store.folder.numbers())
    value = {"versions": count, "faults": faults}
    if faults:
        print(_json(value) if run.json else "", end="")
        raise UserError("; ".join(faults))
    too = "" if run.export_dir is None else f" and of those in {run.export_dir}"
    return f"{run.store}: every byte of {count} versions{too} is as it was written\n", value


def _checkout(run: Run) -> tuple[str, Any]:
    from centrabert.merge.summary_table import table

    manifest = _store(run).checkout(run.version, verb_flags.given(run.output_dir), run.change.dry_run)
    said = f"would be written into {run.output_dir}:\n" * run.change.dry_run
    return said + table(manifest), {"output_dir": str(run.output_dir), "tasks": list(manifest.tasks)}


def _promote(run: Run) -> tuple[str, Any]:
    store, options = _store(run), _options(run)
    if run.require_not_worse is None:
        return _labelled(run, store.promote(run.label, run.version, options))
    from centrabert.pipeline import promotion_gate  # with TensorFlow, which takes seconds

    gate = promotion_gate(
        verb_flags.given(run.data), margin=run.require_not_worse, task=run.task, task_config=run.task_config
    )
    judgement = gate.judge(store, run.label, run.version)
    text, value = _labelled(run, store.promote(run.label, run.version, options, judgement))
    return f"{text}{judgement.text()}\n", {**value, **asdict(judgement)}


def _rollback(run: Run) -> tuple[str, Any]:
    return _labelled(run, _store(run).roll_back(run.label, _options(run)))


def _labelled(run: Run, number: int) -> tuple[str, Any]:
    said = "would point" if run.change.dry_run else "points"
    return f"{run.label} {said} to version {number}\n", {"label": run.label, "version": number}


def _unlabel(run: Run) -> tuple[str, Any]:
    number = _store(run).unlabel(run.label, _options(run))
    said = "would be removed" if run.change.dry_run else "was removed"
    return f"{run.label} {said}; it pointed to version {number}\n", {"label": run.label, "version": number}


def _export(run: Run) -> tuple[str, Any]:
    from centrabert.export.deploy.tf_serving import TfServing
    from centrabert.export.lifecycle.store_export import export_labelled
    from centrabert.machine import usable_cores

    cores = usable_cores() if run.server.cores is None else run.server.cores
    serving = TfServing(run.server.model_name, cores, run.server.claim)
    dry_run = run.change.dry_run
    folders = export_labelled(_store(run), verb_flags.given(run.export_dir), serving, dry_run)
    lines = [f"{label}: {'would be at ' * dry_run}{folder}\n" for label, folder in sorted(folders.items())]
    return "".join(lines), {label: str(folder) for label, folder in folders.items()}


def _gc(run: Run) -> tuple[str, Any]:
    from centrabert.export.lifecycle.store_text import garbage_text

    found = _store(run).gc(run.keep, _options(run))
    return garbage_text(found, run.change.dry_run), asdict(found)


def _told(outcome: "Outcome") -> tuple[str, Any]:
    from centrabert.export.lifecycle.store_text import outcome_text

    return outcome_text(outcome), asdict(outcome)


VERBS: Mapping[str, Callable[[Run], tuple[str, Any]]] = {
    each.__name__.removeprefix("_"): each
    for each in (
        *(_create, _add, _update, _remove, _rename, _list, _show, _log, _diff, _verify, _repair),
        *(_checkout, _promote, _rollback, _unlabel, _export, _gc),
    )
}


if __name__ == "__main__":
    command.run(main, FLAGS)
