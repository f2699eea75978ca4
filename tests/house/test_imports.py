"""Who may import whom, who may define flags, and what must import without TensorFlow."""

import subprocess
import sys
from fnmatch import fnmatch

import pytest
from source_tree import PARTS, ROOT, imported, is_script, module_name, python_files, scripts

# docs/ARCHITECTURE.md: the parts meet in files, not in each other's code.
MAY_IMPORT = {
    "modeling": set(),
    "glue_data": {"modeling"},
    "distill": {"modeling"},
    "merge": {"modeling"},
    "export": {"modeling", "merge"},
    "search": {"modeling", "glue_data", "distill", "merge", "export", "centrabert"},
    "centrabert": {
        "modeling",
        "glue_data",
        "distill",
        "merge",
        "export",
    },  # the use cases, and the public API
}
# The rooms of each part from the ground up: a file imports from its own room and from those below it.
ROOMS = (
    *(
        "modeling/formats",
        "modeling/tokenization",
        "modeling/words",
        "modeling/kinds",
        "modeling",
        "modeling/layers",
        "modeling/training",
        "modeling/convert",
        "modeling/joint",
        "modeling/migration",
    ),
    *("glue_data/readers", "glue_data/declared", "glue_data", "glue_data/describe", "glue_data/download"),
    *("distill/comparison", "distill/methods", "distill", "distill/text"),
    "merge",
    "merge/store",
    *("export/contract", "export/graph", "export/engine", "export/serving", "export/page", "export/rest"),
    *("export/client", "export/deploy", "export", "export/lifecycle"),
    *("search/jobs", "search/workers", "search/selection", "search/strategy", "search/report"),
    "search",
    "centrabert",
)
FREE = ("tests", "benchmarks", "docs")
# What decides, plans, reads and prints: a user's mistake is told before TensorFlow has been imported.
PURE = (
    "centrabert/*.py",
    "glue_data/*.py",
    "glue_data/declared/*.py",
    "glue_data/describe/*.py",
    "glue_data/download/*.py",
    "glue_data/readers/*.py",
    "distill/comparison/layer_pairs.py",
    "distill/layer_mapping.py",
    "distill/methods/*.py",
    "export/contract/*.py",
    "export/client/*.py",
    "export/deploy/*.py",
    "export/lifecycle/*.py",
    "export/page/*.py",
    "export/rest/origin_check.py",
    "export/serving/concurrency_limit.py",
    "export/serving/errors.py",
    "merge/*.py",
    "merge/store/*.py",
    "modeling/*.py",
    "modeling/formats/*.py",
    "modeling/convert/huggingface_config.py",
    "modeling/convert/huggingface_names.py",
    "modeling/kinds/*.py",
    "modeling/layers/layer_states.py",
    "modeling/layers/lora.py",
    "modeling/tokenization/normalization.py",
    "modeling/tokenization/pair_segments.py",
    "modeling/tokenization/sentencepiece_convention.py",
    "modeling/tokenization/sentencepiece_model.py",
    "modeling/tokenization/vocabulary.py",
    "modeling/training/hyperparameters.py",
    "modeling/training/initialization.py",
    "modeling/training/training_identity.py",
    "search/*.py",
    "search/jobs/*.py",
    "search/selection/*.py",
    "search/strategy/*.py",
    "search/workers/*.py",
)
# They read weights, or tokenise, in TensorFlow.
NOT_PURE = frozenset(
    [
        "centrabert/pipeline.py",
        "centrabert/task_runner.py",
        "centrabert/trained_model.py",
        "export/client/grpc_transport.py",
        "export/lifecycle/new_store.py",
        "export/lifecycle/promotion_gate.py",
        "export/lifecycle/version_build.py",
        "merge/merge_branches.py",
        "merge/merged_tokenizer.py",
        "merge/task_extraction.py",
        "modeling/bert_folder.py",
        "modeling/kinds/crf.py",
        "modeling/kinds/entity_tensors.py",
        "modeling/kinds/word_logits.py",
        "modeling/kinds/pieceless_words.py",
        "search/jobs/job_training.py",
        "search/selection/latency_cost.py",
    ]
)
HEAVY = ("tensorflow", "tensorflow_text", "official", "tf_keras", "keras", "torch", "transformers")


def complaint(path: str, name: str) -> str | None:
    """What is wrong with the file `path` importing `name`, or None."""
    top, *rest = name.split(".")
    if top in PARTS or top == "run_classifier" or not top:
        return f"{path} imports {name}: write `from centrabert...`, else a module exists twice"
    if path.split("/")[0] in FREE:
        return None
    if top in FREE:
        return f"{path} imports {name}: only tests and benchmarks may"
    if name.startswith("absl.flags") and not (is_script(path) or path.startswith("centrabert/")):
        return f"{path} imports {name}: flags are for run_*.py scripts; take arguments"
    return wrong_part(path, rest) if top == "centrabert" else None


def wrong_part(path: str, rest: list[str]) -> str | None:
    """As `complaint`, for an import of centrabert.`rest`."""
    if any(
        is_script(f"{step}.py") and ROOT.joinpath(*rest[:index], f"{step}.py").is_file()
        for index, step in enumerate(rest)
    ):
        return f"{path} imports the script {'.'.join(rest)}"
    if is_script(path):
        return None
    if rest[:1] in (["errors"], ["__version__"]):  # a user's mistake, and which version: everybody's
        return None
    own, name = path.split("/")[0], ".".join(["centrabert", *rest])
    target = rest[0] if rest and rest[0] in PARTS else "centrabert"
    if target == own:
        return wrong_room(path, rest)
    if target in MAY_IMPORT[own]:
        return None
    return f"{path} imports {name}: {own} may import {sorted(MAY_IMPORT[own]) or 'no other part'}"


def wrong_room(path: str, rest: list[str]) -> str | None:
    """As `complaint`, for an import within one part."""
    own = path.rpartition("/")[0]
    target = "/".join(rest[:2]) if "/".join(rest[:2]) in ROOMS else own.split("/")[0]
    if ROOMS.index(target) <= ROOMS.index(own):
        return None
    return f"{path} imports {'.'.join(rest)}: the room {target} lies above {own}"


def test_every_part_and_room_has_a_rule() -> None:
    assert set(PARTS) <= MAY_IMPORT.keys()
    rooms = {path.rpartition("/")[0] for path in python_files() if path.split("/")[0] in MAY_IMPORT}
    assert rooms == set(ROOMS)


def test_files_keep_the_rules() -> None:
    complaints = [
        complaint(path, name) for path in python_files() for name in imported(ROOT.joinpath(path).read_text())
    ]
    assert [text for text in complaints if text] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("modeling/layers/encoder.py", "from centrabert.merge.plan import MergePlan"),
        ("modeling/layers/encoder.py", "from centrabert import merge"),
        ("modeling/layers/encoder.py", "import centrabert.glue_data.glue_tasks as tasks"),
        ("modeling/layers/encoder.py", "def late():\n    from centrabert import command"),
        ("distill/distillation.py", "from centrabert.glue_data.glue_tasks import GLUE_TASKS"),
        ("merge/plan.py", "from centrabert.distill import loss"),
        ("export/local_server.py", "from centrabert.glue_data.glue_tasks import GLUE_TASKS"),
        ("centrabert/command.py", "from centrabert.search import preflight"),
        ("merge/plan.py", "from centrabert.merge.run_merge import main"),
        ("run_classifier.py", "from centrabert.merge import run_merge"),
        ("merge/plan.py", "from .manifest import Manifest"),
        ("merge/plan.py", "import modeling"),
        ("tests/test_plan.py", "from merge.plan import MergePlan"),
        ("benchmarks/demo.py", "import run_classifier"),
        ("modeling/layers/encoder.py", "from centrabert.modeling.training import optimizer"),
        ("modeling/task.py", "from centrabert.modeling.layers.encoder import encode"),
        ("export/engine/golden_check.py", "from centrabert.export.serving.errors import ServingError"),
        ("search/jobs/ledger.py", "from centrabert.search import preflight"),
        ("modeling/layers/encoder.py", "from tests.tiny import config"),
        ("modeling/layers/encoder.py", "import centrabert"),
        ("modeling/layers/encoder.py", "from absl import flags"),
        ("modeling/layers/encoder.py", "from absl.flags import DEFINE_string"),
    ],
)
def test_rules_forbid(path: str, source: str) -> None:
    assert any(complaint(path, name) for name in imported(source))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("export/local_server.py", "from centrabert.merge.manifest import Manifest"),
        ("merge/plan.py", "from centrabert.merge import manifest"),
        ("modeling/task.py", "from centrabert.errors import UserError"),
        ("merge/run_merge.py", "from centrabert import command, glue_data"),
        ("benchmarks/demo.py", "from centrabert.merge import run_merge"),
        ("tests/test_plan.py", "from centrabert.merge.plan import MergePlan"),
        ("modeling/layers/encoder.py", "from absl import logging"),
    ],
)
def test_rules_allow(path: str, source: str) -> None:
    assert not any(complaint(path, name) for name in imported(source))


def matches(path: str, pattern: str) -> bool:
    """Whether a pattern names a path; its * stays within one folder."""
    return fnmatch(path, pattern) and path.count("/") == pattern.count("/")


def pure_files() -> list[str]:
    """The pure modules, and every script: what it does heavily is imported inside its main()."""
    matching = {path for path in python_files() for pattern in PURE if matches(path, pattern)}
    return sorted((matching - NOT_PURE) | {script.path for script in scripts()})


def test_the_list_of_pure_modules_is_not_stale() -> None:
    unmatched = [pattern for pattern in PURE if not any(matches(path, pattern) for path in python_files())]
    assert unmatched == []
    assert not NOT_PURE - set(python_files())


def test_pure_modules_and_help_need_no_tensorflow() -> None:
    pure = [module_name(path) for path in pure_files()]
    script_names = [module_name(script.path) for script in scripts()]
    code = f"""
import importlib, sys
def heavy(): return [name for name in {HEAVY} if name in sys.modules]
for name in {pure}:
    importlib.import_module(name)
    if heavy(): sys.exit(f"importing {{name}} imports {{heavy()}}")
from centrabert import command
for name in {script_names}:
    script = sys.modules[name]
    code = command.status(script.main, script.FLAGS, [name, "--help"])
    if code or heavy(): sys.exit(f"{{name}} --help returns {{code}} and imports {{heavy()}}")
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\nFlags:\n") == len(script_names)


def test_a_mistake_in_flags_is_told_without_tensorflow() -> None:
    code = f"""
import sys
from centrabert import command, run_classifier
flags = ["--task_name=RTE", "--data_dir=data", "--output_dir=out", "--bert_dir=bert"]
code = command.status(run_classifier.main, run_classifier.FLAGS, ["run_classifier", *flags])
if code != 1 or any(name in sys.modules for name in {HEAVY}): sys.exit("imported")
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "error: nothing to do" in result.stderr
