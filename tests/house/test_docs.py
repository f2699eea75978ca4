"""The documentation is true: every flag described, every command parses, every example runs."""

import doctest
import importlib
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import commands_page
import pytest
from shell_example import commands, mistake
from source_tree import FOLDERS, ROOT, Script, module_name, python_files, scripts

from centrabert.flag_text import flag_texts
from centrabert.glue_data.declared.task_config import read_task_config

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = frozenset(["bash", "json", "python", "text", "yaml"])
LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")
FILE = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./]+\.(?:py|md|json|tsv))`")


def pages() -> list[str]:
    found = [*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in ROOT.joinpath(folder).glob("*.md"))]
    return sorted(page.relative_to(ROOT).as_posix() for page in found)


def blocks(page: str) -> list[tuple[str, str]]:
    """(language, text) of every fenced block."""
    return FENCE.findall(ROOT.joinpath(page).read_text(encoding="utf-8"))


def test_the_pages_a_reader_starts_with_exist() -> None:
    assert {"README.md", "docs/COMMANDS.md"} <= set(pages())


@pytest.mark.parametrize("script", scripts(), ids=lambda script: script.path)
def test_every_script_and_flag_says_what_it_is_for(script: Script) -> None:
    assert (script.module.__doc__ or "").strip()
    unsaid = [text.name for text in flag_texts(script.flags) if not re.fullmatch(r"\S.*\.", text.help)]
    assert unsaid == [], "a flag's help is one or more sentences"


def test_commands_page_is_up_to_date() -> None:
    written = commands_page.PAGE.read_text(encoding="utf-8")
    assert written == commands_page.page(), "docs/COMMANDS.md is stale; run `make docs`"


@pytest.mark.parametrize("page", pages())
def test_examples_say_their_language(page: str) -> None:
    assert {language for language, _ in blocks(page)} <= LANGUAGES
    assert ROOT.joinpath(page).read_text(encoding="utf-8").count("```") == 2 * len(blocks(page))


@pytest.mark.parametrize("page", pages())
def test_shell_examples_parse(page: str) -> None:
    found = [
        (words, mistake(words))
        for language, text in blocks(page)
        if language == "bash"
        for words in commands(text)
    ]
    assert [f"{' '.join(words)}: {wrong}" for words, wrong in found if wrong] == []


@pytest.mark.parametrize("page", [page for page in pages() if "yaml" in dict(blocks(page))])
def test_declarations_of_tasks_are_read(page: str, tmp_path: Path) -> None:
    for language, text in blocks(page):
        if language == "yaml" and text.startswith("tasks:"):
            tmp_path.joinpath("tasks.yaml").write_text(text, encoding="utf-8")
            assert read_task_config(tmp_path / "tasks.yaml")


@pytest.mark.parametrize("page", [page for page in pages() if "python" in dict(blocks(page))])
def test_python_examples_run(page: str, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "\n".join(text for language, text in blocks(page) if language == "python")
    monkeypatch.chdir(clone)
    exec(compile(code, page, "exec"), {"__name__": "__main__"})  # noqa: S102 (our own pages)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the commands before an example leave in a clone: sample data and a BERT, here tiny ones."""
    import tiny  # imports TensorFlow, which all other tests here do without

    config = replace(tiny.CONFIG, num_hidden_layers=3, max_position_embeddings=128)
    tiny.bert_folder(tmp_path / "output" / "bert", config=config)
    samples = Path("glue_data", "samples", "SST-2")
    tmp_path.joinpath(samples).mkdir(parents=True)
    for split in ("train.tsv", "dev.tsv"):
        lines = ROOT.joinpath(samples, split).read_text(encoding="utf-8").splitlines(keepends=True)
        tmp_path.joinpath(samples, split).write_text("".join(lines[:14]), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("page", pages())
def test_links_and_files_exist(page: str) -> None:
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    targets = [path.parent / link for link in LINK.findall(text) if "://" not in link]
    named = [ROOT / name for name in FILE.findall(text)]
    assert [str(target) for target in [*targets, *named] if not target.exists()] == []


def test_doctests_run() -> None:
    own = [path for path in python_files() if not path.startswith(("tests/", "docs/"))]
    for path in own:
        if ">>> " in ROOT.joinpath(path).read_text(encoding="utf-8"):
            assert doctest.testmod(importlib.import_module(module_name(path))).failed == 0, path


def only_mistake(block: str) -> str | None:
    (words,) = commands(block)
    return mistake(words)


MERGE = "python -m centrabert.merge.run_merge --base=b --branches=x,y --output_dir=out"


@pytest.mark.parametrize(
    "block",
    [
        "make test",
        "make demo DATA=../glue TASKS=rte,mrpc  # an explanation",
        MERGE,
        MERGE.replace(" --", " \\\n  --") + " > table.txt",
        MERGE.replace("=out", "=$OUT").replace("--base=", "--base "),
        "CUDA_VISIBLE_DEVICES= python -m centrabert.merge.run_inspect --help",
        ".venv/bin/python -m pip install .",
        "centrabert --help",
        MERGE.replace("python -m centrabert.merge.run_merge", "centrabert merge"),
    ],
)
def test_right_commands_are_taken(block: str) -> None:
    assert only_mistake(block) is None


@pytest.mark.parametrize(
    ("block", "wrong"),
    [
        ("make tset", "no target tset"),
        ("make demo DTA=x", "no variable DTA"),
        (f"{MERGE} --branchs=x", "branchs"),
        (MERGE.replace("--base=b", ""), "base"),
        (f"{MERGE} --debug=maybe", "debug"),
        (f"{MERGE} extra", "unexpected argument extra"),
        ("python -m merge.run_merge --help", "no script merge.run_merge"),
        ("python merge/run_merge.py --help", "no script merge/run_merge.py"),
        ("$ make test", "unknown command $"),
        ("centrabert mrge --help", "no command centrabert mrge"),
        ("centrabert merge --branchs=x", "branchs"),
    ],
)
def test_wrong_commands_are_seen(block: str, wrong: str) -> None:
    assert wrong in (only_mistake(block) or "")


def test_make_demo_gives_the_demo_flags_that_it_has() -> None:
    dry = ["make", "--dry-run", "demo", "DATA=../glue", "TASKS=rte,mrpc", "FULL=1", "VENV=.venv"]
    recipe = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    joined = recipe.replace("\\\n", " ")
    (line,) = [" ".join(line.split()) for line in joined.splitlines() if "benchmarks.demo" in line]
    assert line.endswith(" --data_root=../glue --tasks=rte,mrpc --full_fine_tuning")
    assert only_mistake(line) is None


def test_every_command_of_a_line_is_seen() -> None:
    block = "for task in rte mrpc; do python a.py --task=$task; done && make test | head"
    assert list(commands(block)) == [
        ["for", "task", "in", "rte", "mrpc"],
        ["python", "a.py", "--task=$task"],
        ["make", "test"],
        ["head"],
    ]
