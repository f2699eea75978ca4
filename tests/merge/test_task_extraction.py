"""One task out of a merged model, or one branch: the same model, in Google's files and in Hugging Face's."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from extracted_tasks import BRANCHES, TASKS, TOPICS, assert_golden, folders, numpy_logits, variables
from safetensors.numpy import load_file

from centrabert import command
from centrabert.errors import UserError
from centrabert.merge import run_extract
from centrabert.merge.merged_folder import CHECKPOINT
from centrabert.merge.task_extraction import of_branch, of_merged
from centrabert.modeling import branch_folder, checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.convert.conversion import Source
from centrabert.modeling.convert.huggingface_names import huggingface_name
from centrabert.modeling.migration.task_folder import write
from centrabert.modeling.task import TaskSpec
from centrabert.trained_model import TrainedModel


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders(tmp_path_factory.mktemp("extraction"))


@pytest.mark.parametrize("branch", BRANCHES, ids=TASKS)
def test_huggingface_names_and_values(branch: Branch, root: Path) -> None:
    folder = root / "huggingface" / branch.task.name
    stored, wanted = load_file(folder / "model.safetensors"), variables(root, branch)
    wanted.pop("output_thresholds", None)
    assert np.array_equal(stored.pop("classifier.weight"), wanted.pop("output_weights"))
    assert np.array_equal(stored.pop("classifier.bias"), wanted.pop("output_bias"))
    named = {f"bert.{huggingface_name(name)}": array for name, array in wanted.items()}
    assert stored.keys() == named.keys()
    kernels = {f"bert.{huggingface_name(name)}" for name in wanted if name.endswith("/kernel")}
    for name, array in named.items():
        assert np.array_equal(stored[name], array.T if name in kernels else array), name
    assert f"bert.encoder.layer.{branch.depth}.output.dense.bias" not in stored
    assert ("bert.pooler.dense.weight" in stored) == (branch.task.kind != "tagging")


@pytest.mark.parametrize("branch", BRANCHES, ids=TASKS)
@pytest.mark.parametrize("to", ["google", "huggingface"])
def test_files_hold_what_answers_the_golden_texts(branch: Branch, to: str, root: Path) -> None:
    """Each file is read by what reads any BERT of its format, and computed in NumPy."""
    folder, spec = root / to / branch.task.name, branch.task
    bert = Source(str(folder)).read()
    assert bert.config == replace(tiny.CONFIG, num_hidden_layers=branch.depth)
    if to == "google":
        stored = checkpoint.read(folder / "bert_model.ckpt")
        head = {name: array for name, array in stored.items() if name.startswith("output_")}
    else:
        stored = load_file(folder / "model.safetensors")
        head = {
            "output_weights": stored["classifier.weight"],
            "output_bias": stored["classifier.bias"],
        }
    assert_golden(folder, spec, numpy_logits(root, bert.config, {**bert.tensors, **head}, spec))
    assert TaskSpec.from_json(json.loads((folder / "task.json").read_text())) == spec


def test_huggingface_config(root: Path) -> None:
    keys = {task: json.loads((root / "huggingface" / task / "config.json").read_text()) for task in TASKS}
    told = ("architectures", "num_hidden_layers", "num_labels", "problem_type", "id2label", "label2id")
    sequences, tokens = ["BertForSequenceClassification"], ["BertForTokenClassification"]
    assert [keys["near"].get(key) for key in told] == [
        *(sequences, 5, 1, "regression", {"0": "score"}, {"score": 0})
    ]
    assert [keys["rte"].get(key) for key in told] == [
        *(sequences, 4, 2, "single_label_classification"),
        *({"0": "no", "1": "yes"}, {"no": 0, "yes": 1}),
    ]
    assert [keys["slots"].get(key) for key in told[:4]] == [tokens, 3, 5, None]
    assert keys["slots"]["id2label"]["3"] == "B-two"
    assert [keys["topics"].get(key) for key in told[:4]] == [sequences, 1, 3, "multi_label_classification"]
    thresholds = variables(root, BRANCHES[3])["output_thresholds"].astype(np.float64)
    assert list(keys["topics"]["thresholds"]) == list(TOPICS.labels)
    found = np.array(list(keys["topics"]["thresholds"].values()))
    assert np.abs(np.log(found / (1 - found)) - thresholds).max() < 1e-9
    assert ["thresholds" in keys[task] for task in TASKS] == [False, False, False, True]
    lengths = json.loads((root / "huggingface/rte/tokenizer_config.json").read_text())["model_max_length"]
    assert lengths == tiny.MAX_SEQ_LENGTH


def test_a_branch_and_its_task_in_a_merged_model_are_the_same(root: Path) -> None:
    for task in TASKS:
        alone, merged = of_branch(root / "base", root / "branches" / task), of_merged(root / "merged", task)
        assert (alone.task, alone.bert.config) == (merged.task, merged.bert.config)
        one, other = ({**model.bert.tensors, **model.head} for model in (alone, merged))
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[name], other[name]) for name in one)
        assert alone.bert.tokenizer.digest == merged.bert.tokenizer.digest


def test_google_folder_is_a_classifier_of_berts_own_script(root: Path) -> None:
    """A checkpoint of BERT that `--init_checkpoint` takes for predictions, head included."""
    bert = BertFolder.at(root / "google" / "rte")
    assert TrainedModel.of_classifier(bert, BRANCHES[1].task).branch.depth == 4


def test_full_fine_tuning_is_written_too(root: Path, tmp_path: Path) -> None:
    shape = Branch(tiny.task("whole"), frozen=0, tuned=5, full_fine_tuning=True)
    folder = tiny.branch(tmp_path / "whole", root / "base", shape, golden=False)
    owned = checkpoint.read(folder / branch_folder.CHECKPOINT)
    model = of_branch(root / "base", folder)
    words = "bert/embeddings/word_embeddings"
    assert np.array_equal(model.bert.tensors[words], owned[words])


def test_adapters_are_refused(root: Path, tmp_path: Path) -> None:
    """No other code would apply them."""
    shape = Branch.with_adapters(tiny.task("a"), 7, tiny.CONFIG)
    folder = tiny.branch(tmp_path / "a", root / "base", shape, golden=False)
    with pytest.raises(UserError, match=f"^{folder}: task a: adapters share parameters and no computation"):
        of_branch(root / "base", folder)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (tiny.task("marks", "crf_tagging"), "no BERT with the head of a crf_tagging"),
        (tiny.task("near", "regression", pooling="mean"), "reads the mean of all tokens"),
    ],
)
def test_what_transformers_cannot_compute(spec: TaskSpec, reason: str, root: Path, tmp_path: Path) -> None:
    """Refused, and nothing is left; Google's checkpoint takes every variable."""
    folder = tiny.branch(tmp_path / "a", root / "base", Branch(spec, 3, 1))
    model = of_branch(root / "base", folder)
    with pytest.raises(UserError, match=f"^task {spec.name}: .*{reason}.*--to=google"):
        write(model, "huggingface", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    notes = write(model, "google", tmp_path / "out")
    stored = checkpoint.read(tmp_path / "out" / "bert_model.ckpt")
    owned = checkpoint.read(folder / branch_folder.CHECKPOINT)
    assert all(np.array_equal(stored[name], owned[name]) for name in owned)
    assert ["pooler" in note for note in notes] == [True]


def test_an_unknown_task_and_a_damaged_folder(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no task 'rte2'; its tasks are near, rte, slots, topics$"):
        of_merged(root / "merged", "rte2")
    folder = shutil.copytree(root / "merged", tmp_path / "merged")
    tensors = checkpoint.read(folder / CHECKPOINT)
    tensors["rte/output_bias"][1] += 1
    checkpoint.write(folder / CHECKPOINT, tensors)
    of_merged(folder, "slots")
    with pytest.raises(UserError, match=r"is not the one of its manifest\.json: rte/output_bias differs"):
        of_merged(folder, "rte")


def test_a_branch_of_another_base(root: Path, tmp_path: Path) -> None:
    other = tiny.bert_folder(tmp_path / "other", seed=9)
    with pytest.raises(UserError, match=r"was trained on another trunk than .*other"):
        of_branch(other, root / "branches" / "rte")


def extract(*flags: str) -> int:
    return command.status(run_extract.main, run_extract.FLAGS, ["run_extract.py", *flags])


def test_script(root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    merged, branch = f"--merged={root / 'merged'}", f"--branch={root / 'branches' / 'topics'}"
    assert extract(merged, "--task=topics", f"--output_dir={tmp_path / 'a'}") == 0
    assert "thresholds, which the caller applies: sea, sun from 0." in caplog.text
    assert "task topics, 1 layers" in caplog.text
    assert extract(f"--base={root / 'base'}", branch, f"--output_dir={tmp_path / 'b'}") == 0
    files = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()}
    assert files.keys() >= {"config.json", "model.safetensors", "vocab.txt", "golden.json", "task.json"}


@pytest.mark.parametrize(
    ("flags", "given"),
    [
        ((), "none of them"),
        (("--merged=m",), "--merged"),
        (("--merged=m", "--task=t", "--base=b"), "--merged and --task and --base"),
    ],
)
def test_flags_that_do_not_fit(
    flags: tuple[str, ...], given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert extract(*flags, "--output_dir=out") == 1
    assert f"or --base and --branch: {given} was given" in capsys.readouterr().err
