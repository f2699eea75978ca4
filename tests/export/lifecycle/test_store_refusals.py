"""A mistake is one line that names it, a dry run says what would be done; the store stays as it was."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import tiny
from store_command import refusal
from tiny_store import RTE, SIM, copy, tiny_store

from centrabert import command
from centrabert.errors import UserError
from centrabert.export.lifecycle import run_store
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.verb_flags import TAKES
from centrabert.export.lifecycle.version_change import ChangeOptions
from centrabert.merge.store.sealed_json import write_sealed
from centrabert.merge.store.version_record import FORMAT as VERSION_FORMAT
from centrabert.merge.store.version_record import write_version
from centrabert.modeling import checkpoint
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import read_record
from centrabert.modeling.formats.format import Format

MISTAKES = (
    ("add --branches={root}/empty", "empty/branch.json: no such file: nothing has been trained there"),
    (
        "add --branches={root}/other",
        "other: was trained on another trunk than {root}/store: the first variable",
    ),
    ("add --branches={root}/unfinished", "unfinished/golden.json: No such file or directory"),
    ("add --branches={root}/long", "max_seq_length"),
    ("update --branches={root}/flipped", "flipped: the checkpoint is not the one of its branch.json: "),
    ("repair --branches={rte2}", "rte2: the store has no branch of these files, so it can repair none"),
    ("repair --branches={root}/flipped", "flipped: the checkpoint is not the one of its branch.json: "),
    ("checkout --version=3 --output_dir={root}/out", "store: there is no version 3; it has 1 to 2"),
    ("checkout --version=2 --output_dir={root}/empty/..", "exists already; choose another folder"),
    ("create --base={root}/empty", "empty/bert_config.json: no such file; a BERT folder holds"),
    ("add --branches={rte}", "task 'rte' is there already; to replace its branch, update it"),
    ("update --branches={rte}", "task 'rte' has this branch already: nothing would change"),
    ("update --branches={sim}", "there is no task 'sim'; there are rte, tone"),
    ("update --branches={rte2},{rte}", "2 of the branches are of task 'rte'; give one branch for each task"),
    ("remove --task=rt", "there is no task 'rt'; there are rte, tone"),
    ("rename --task=rt --to=x", "there is no task 'rt'; there are rte, tone"),
    ("rename --task=tone --to=rte", "task 'rte' is there already; choose another name"),
    ("rename --task=tone --to=tone", "task 'tone' is there already; choose another name"),
    ("rename --task=tone --to=../x", "task name '../x' is not of the form"),
    ("rename --task=tone --to=../x --dry_run", "task name '../x' is not of the form"),
    ("rename --task=tone --to=describe", "task name 'describe' is reserved; choose another"),
    ("show --version=3", "store: there is no version 3; it has 1 to 2"),
    ("show --version=0", "store: there is no version 0; it has 1 to 2"),
    (f"show --version={'9' * 5000}", "store: there is no label '9999"),
    ("show --version=canary", "store: there is no label 'canary'; there are: none yet"),
    ("diff --version=1 --other_version=-1", "store: there is no label '-1'; there are: none yet"),
    ("promote --version=3", "store: there is no version 3; it has 1 to 2"),
    ("promote --version=2 --label=../x", "label '../x': wanted a name such as stable or canary"),
    ("rollback", "there is no label 'stable'; there are: none yet"),
    ("unlabel", "unlabel needs --label"),
    ("unlabel --label=canary", "there is no label 'canary'; there are: none yet"),
    ("gc --keep=0", "keep"),
    ("export --export_dir={root}/serving", "store: no label points to a version; promote one"),
    ("checkout --version=2 --output_dir={root}/store/out", "store/out: lies in the store {root}/store"),
    ("checkout --version=2 --output_dir={rte}/branch.json/out", "rte/branch.json: Not a directory"),
    ("create --base={base} --store={rte}/branch.json/new", "rte/branch.json: Not a directory"),
    ("show --html={root}/store/store.json", "store/store.json: lies in the store {root}/store"),
    ("export --export_dir={root}/store", "{root}/store: lies in the store {root}/store"),
    ("add --branches={sim} --owners=alice,,bob", "owner '' is no name; give names such as alice,bob"),
    ("verify --export_dir={root}/empty", "empty: holds no exported version to verify"),
    ("create --base={base}", "store: exists already; choose another folder or remove it first"),
)

# What each verb that changes something says in a dry run.
WOULD = {
    "create": ("--base={base} --store={root}/new", "would be a store on a base of 5 layers"),
    "add": ("--branches={sim}", "would make version 3: add sim; nothing was changed"),
    "update": ("--branches={rte2}", "would make version 3: update rte; nothing was changed"),
    "remove": ("--task=tone", "would make version 3: remove tone; nothing was changed"),
    "rename": ("--task=tone --to=mood", "would make version 3: rename tone to mood; nothing was changed"),
    "repair": ("--branches={rte}", ": every file is as it was written"),
    "checkout": ("--version=2 --output_dir={root}/out", "would be written into {root}/out:"),
    "promote": ("--version=1", "stable would point to version 1"),
    "rollback": ("", "stable would point to version 1"),
    "unlabel": ("--label=stable", "stable would be removed; it pointed to version 2"),
    "export": ("--export_dir={root}/serving", "stable: would be at {root}/serving/2"),
    "gc": ("--keep=1", "would remove versions: 1; branches that no version has: 0"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store and its neighbourhood, which no command here changes."""
    root = tmp_path_factory.mktemp("mistakes")
    store = copy(root / "store")
    (root / "empty").mkdir()
    other = tiny.bert_folder(root / "base", seed=7)
    tiny.branch(root / "other", other, RTE, golden=False)
    unfinished = Path(shutil.copytree(tiny_store().sim, root / "unfinished"))
    (unfinished / "golden.json").unlink()
    longer = Branch(replace(SIM.task, max_seq_length=7), SIM.frozen, SIM.tuned)
    tiny.branch(root / "long", tiny_store().base, longer, golden=False)
    flipped = Path(shutil.copytree(tiny_store().rte2, root / "flipped"))
    record = read_record(flipped)
    checkpoint.write(flipped / "model.ckpt", tiny.tensors(record.branch.owned_shapes(record.config), seed=8))
    stored = store.folder.stored()
    yield root
    assert (store.folder.numbers(), store.folder.stored()) == ([1, 2], stored)
    assert store.verify() == []


@pytest.mark.parametrize(("given", "told"), MISTAKES)
def test_a_mistake(given: str, told: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = tiny_store()
    places = {"root": root, "rte": made.rte, "rte2": made.rte2, "sim": made.sim, "base": made.base}
    arguments = [argument.format(**places) for argument in given.split()]
    if "--store" not in given:
        arguments.append(f"--store={root}/store")
    assert told.format(**places) in (line := refusal(capsys, *arguments))
    if "dry_run" in TAKES[arguments[0]] and "--dry_run" not in arguments:
        assert refusal(capsys, *arguments, "--dry_run") == line


def test_a_branch_of_the_other_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cased base in Google's form does not say its case: the command line does."""
    made, root = tiny_store(), tmp_path / "store"
    create = ["store", "create", f"--store={root}", f"--base={made.base}", "--do_lower_case=false"]
    assert command.status(run_store.main, run_store.FLAGS, create) == 0
    line = refusal(capsys, "add", f"--store={root}", f"--branches={made.rte}")
    assert line.startswith(f"{made.rte}: was trained with --do_lower_case=True, and {root} was created with ")
    cased = tiny.branch(tmp_path / "rte", made.base, RTE, golden=False, do_lower_case=False)
    assert ModelStore(root).add(cased, options=ChangeOptions(dry_run=True)).version.change == "add rte"


def test_a_disk_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is made or changed there, and a store that came there otherwise can be read."""
    store, made, new = copy(tmp_path / "store"), tiny_store(), tmp_path / "new"
    store.promote("stable", 1)

    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    root, serving = store.folder.root, tmp_path / "serving"
    for verb, where in (
        (f"create --base={made.base} --store={new}", new),
        *((f"{verb} --store={root}", root) for verb in ("remove --task=rte", "promote --version=2", "gc")),
        (f"repair --branches={made.rte} --store={root}", root),
        (f"export --export_dir={serving} --store={root}", serving / "tf_serving"),
    ):
        line = refusal(capsys, *verb.split())
        assert line.startswith(
            f"{where}: its file system has no locks (No locks available), so nothing would "
        )
    assert not new.exists() and not (serving / "1").exists()
    for verb in ("list", "verify", f"checkout --version=1 --output_dir={tmp_path}/merged"):
        arguments = ["store", *verb.split(), f"--store={root}"]
        assert command.status(run_store.main, run_store.FLAGS, arguments) == 0


def test_a_store_without_versions_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ModelStore.create(tmp_path / "store", tiny_store().base)
    for verb in ("list", "log"):
        assert (
            command.status(run_store.main, run_store.FLAGS, ["store", verb, f"--store={store.folder.root}"])
            == 0
        )
        assert capsys.readouterr().out == f"{store.folder.root}: no versions yet; add a branch\n"


@pytest.mark.parametrize("what", ["author", "message"])
def test_a_text_of_several_lines(what: str) -> None:
    """Would look like an entry of the log that nobody has made."""
    with pytest.raises(UserError, match=f"the {what}.* has more than one line"):
        ChangeOptions(**{what: "alice\nversion 9: remove rte"})


def test_the_last_task_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = copy(tmp_path / "store")
    shutil.rmtree(store.folder.version(2))
    line = refusal(capsys, "remove", f"--store={store.folder.root}", "--task=rte")
    assert line == "task 'rte' is the last one: a model without tasks cannot be served"


def test_an_export_folder_of_another_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = copy(tmp_path / "store")
    store.promote("stable", 2)
    theirs = tmp_path / "serving" / "7"
    (theirs / "assets.extra").mkdir(parents=True)
    (theirs / "saved_model.pb").touch()
    write_version(theirs / "assets.extra", replace(store.version(2), store="f" * 32, number=7))
    line = refusal(capsys, "export", f"--store={store.folder.root}", f"--export_dir={tmp_path / 'serving'}")
    assert line.startswith(
        f"{tmp_path / 'serving'}: version 7 there comes from another store; choose another"
    )
    assert [path.name for path in (tmp_path / "serving").iterdir()] == ["7"]


def test_a_newer_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = copy(tmp_path / "store")
    file = store.folder.version(2) / "version.json"
    write_sealed(file, Format("version.json", 2, {1: lambda keys: keys}), asdict(store.version(2)))
    for verb in ("show", "remove --task=rte", "verify"):
        line = refusal(capsys, *verb.split(), f"--store={store.folder.root}")
        assert f"{file}: format_version 2 is newer than {VERSION_FORMAT.version}" in line
    store.folder.record.unlink()
    write_sealed(store.folder.record, Format("store.json", 2, {1: lambda keys: keys}), {"anything": "new"})
    line = refusal(capsys, "list", f"--store={store.folder.root}")
    assert line.startswith(f"{store.folder.record}: format_version 2 is newer than 1")
    assert line.endswith("update CentraBERT, or write the file again with this one")


def test_a_version_folder_without_its_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = copy(tmp_path / "store")
    (store.folder.versions / "9").mkdir()
    line = refusal(capsys, "show", f"--store={store.folder.root}")
    assert line == f"{store.folder.versions}/9/version.json: no such file"


def test_a_branch_trained_beside_other_files(tmp_path: Path) -> None:
    """Only the files of a branch are stored, and only they are read."""
    store, source = copy(tmp_path / "store"), Path(shutil.copytree(tiny_store().rte2, tmp_path / "rte2"))
    (source / "cache.bin").symlink_to("/dev/full")  # whoever read it would never end
    outcome = ModelStore(store.folder.root).update(source)
    stored = store.folder.branch(outcome.version.tasks["rte"].branch)
    assert sorted(path.name for path in stored.iterdir()) == sorted(outcome.version.tasks["rte"].files)
    assert read_record(stored) == read_record(source)


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """When every file and folder changed last, and what it holds."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in (folder, *folder.rglob("*"))
    }


@pytest.mark.parametrize("locked_before", [False, True])
def test_a_dry_run_writes_nothing(
    locked_before: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also not where a killed command left something, which the verb itself removes."""
    store, made = copy(tmp_path / "store"), tiny_store()
    store.promote("stable", 1)
    store.promote("stable", 2)
    lock = store.folder.root / ".lock"
    lock.write_text("a process that was killed")
    if not locked_before:
        lock.unlink()
    (store.folder.branches / "new").mkdir()
    before = everything(tmp_path)
    places = {"root": tmp_path, "base": made.base, "sim": made.sim, "rte": made.rte, "rte2": made.rte2}
    assert WOULD.keys() == {verb for verb, flags in TAKES.items() if "dry_run" in flags}
    for verb, (given, told) in WOULD.items():
        flags = given.format(**places).split()
        where = [] if verb == "create" else [f"--store={store.folder.root}"]
        arguments = ["store", verb, *where, *flags, "--dry_run"]
        assert command.status(run_store.main, run_store.FLAGS, arguments) == 0
        assert told.format(**places) in capsys.readouterr().out
        assert everything(tmp_path) == before
