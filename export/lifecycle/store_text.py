"""What a store says of itself, in tables for people."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from centrabert.export.contract.version_folder import EXTRA
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.version_change import Outcome
from centrabert.merge.merged_folder import read_manifest
from centrabert.merge.store.garbage import Garbage
from centrabert.merge.store.labels import Move
from centrabert.merge.store.version_record import Version
from centrabert.merge.summary_table import columns, table

SHORT = 12  # digits of a digest that tell it from others


def version_list(store: ModelStore) -> str:
    """One line for each version, the newest first."""
    labels = labels_of(store)
    rows = [
        (
            str(number),
            ", ".join(labels.get(number, ())),
            *_columns(version),
        )
        for number, version in reversed(store.readings().items())
    ]
    if not rows:
        return _none_yet(store)
    return _lines([("version", "labels", "tasks", "time", "author", "change"), *rows])


def version_log(store: ModelStore) -> str:
    """Each version with who made it of which other one, when and why, the newest first.

    Below it stands who gave it a label, or removed one that it had.
    """
    labels, moves = labels_of(store), store.labels.by_version
    entries = [
        f"version {number}: damaged\n    {version}\n"
        if isinstance(version, str)
        else _entry(version, labels, moves.get(number, ()))
        for number, version in reversed(store.readings().items())
    ]
    return "\n".join(entries) or _none_yet(store)


def versions_json(store: ModelStore) -> list[dict[str, Any]]:
    """One object for each version, the oldest first; of a damaged one, its number and what is wrong."""
    return [
        {"number": number, "damaged": each}
        if isinstance(each, str)
        else {"number": number, "parent": each.parent, "change": each.change, **asdict(each.author)}
        for number, each in store.readings().items()
    ]


def log_json(store: ModelStore) -> list[dict[str, Any]]:
    """As `versions_json`, with all that version.json says, and who gave it a label or removed one."""
    moves = store.labels.by_version
    return [
        {"number": number, "damaged": each}
        if isinstance(each, str)
        else {
            **asdict(each),
            "moves": [{"label": label, **asdict(move)} for label, move in moves.get(number, ())],
        }
        for number, each in store.readings().items()
    ]


def version_text(store: ModelStore, version: Version) -> str:
    """One version: its tasks, layers and parameters, its owners, and what was proved of it."""
    manifest = read_manifest(store.folder.model(version.number) / EXTRA)
    entries = sorted(version.tasks.items())
    owners = [(name, entry.branch[:SHORT], ", ".join(entry.owners) or "everybody") for name, entry in entries]
    return "\n".join(
        [
            _entry(version, labels_of(store)),
            table(manifest),
            _lines([("task", "branch", "who may change it"), *owners]),
            store.proof(version.number).text(),
            "",
        ]
    )


def diff_text(differences: Mapping[str, str]) -> str:
    """One line for each task that differs."""
    if not differences:
        return "the same branches and owners\n"
    return _lines([(task, what) for task, what in sorted(differences.items())])


def outcome_text(outcome: Outcome) -> str:
    """What a change made, or would make."""
    version = outcome.version
    if outcome.proof is None:
        return f"would make version {version.number}: {version.change}; nothing was changed\n"
    return f"version {version.number}: {version.change}\n{outcome.proof.text()}\n"


def repair_text(damaged: Mapping[str, Sequence[str]], dry_run: bool) -> str:
    """Which files of branches were written again, or would be."""
    lines = []
    for digest, names in damaged.items():
        listed = (
            f"{'would have ' * dry_run}written again {', '.join(names)}; every other" if names else "every"
        )
        lines.append(f"branches/{digest}: {listed} file is as it was written\n")
    return "".join(lines)


def garbage_text(found: Garbage, dry_run: bool) -> str:
    """What gc removed, or would remove."""
    versions = ", ".join(map(str, found.versions)) or "none"
    said = "would remove" if dry_run else "removed"
    text = f"{said} versions: {versions}; branches that no version has: {len(found.branches)}\n"
    if found.damaged:
        numbers = ", ".join(map(str, found.damaged))
        text += f"damaged: {numbers}; what they need is not known, so they stay, and so does every branch\n"
    return text


def _none_yet(store: ModelStore) -> str:
    return f"{store.folder.root}: no versions yet; add a branch\n"


def _columns(version: Version | str) -> tuple[str, ...]:
    if isinstance(version, str):
        return "", "", "", f"damaged: {version}"
    return str(len(version.tasks)), version.author.time, version.author.name, version.change


def _entry(version: Version, labels: Mapping[int, list[str]], moves: Sequence[tuple[str, Move]] = ()) -> str:
    author = version.author
    named = f" ({', '.join(labels[version.number])})" if version.number in labels else ""
    made = "the first" if version.parent is None else f"made of version {version.parent}"
    forced = "; went over the owners of the task" if author.forced else ""
    lines = [
        f"version {version.number}{named}: {version.change}",
        f"    {author.time} by {author.name}, {made}{forced}",
        *([f"    {author.message}"] if author.message else []),
        *(f"    {label}: {each.author.time} by {each.author.name}, {each.reason}" for label, each in moves),
        "",
    ]
    return "\n".join(lines)


def labels_of(store: ModelStore) -> dict[int, list[str]]:
    """The labels that point to a version, by its number."""
    labels: dict[int, list[str]] = {}
    for label, number in sorted(store.labels.versions.items()):
        labels.setdefault(number, []).append(label)
    return labels


def _lines(rows: list[tuple[str, ...]]) -> str:
    return "\n".join(columns(rows)) + "\n"
