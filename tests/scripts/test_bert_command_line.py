"""The command lines of google-research/bert's README, word for word: they run, and mean what they meant."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
import tiny_glue

from centrabert import command, run_classifier
from centrabert.bert_results import eval_results_text, mean_loss, prediction_file, prediction_text
from centrabert.errors import UserError
from centrabert.modeling import checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import CHECKPOINT, read_record
from centrabert.training_flags import BertFlags

TRAIN = """
python run_classifier.py \
  --task_name=MRPC \
  --do_train=true \
  --do_eval=true \
  --data_dir=$GLUE_DIR/MRPC \
  --vocab_file=$BERT_BASE_DIR/vocab.txt \
  --bert_config_file=$BERT_BASE_DIR/bert_config.json \
  --init_checkpoint=$BERT_BASE_DIR/bert_model.ckpt \
  --max_seq_length=128 \
  --train_batch_size=32 \
  --learning_rate=2e-5 \
  --num_train_epochs=3.0 \
  --output_dir=/tmp/mrpc_output/
"""
PREDICT = """
python run_classifier.py \
  --task_name=MRPC \
  --do_predict=true \
  --data_dir=$GLUE_DIR/MRPC \
  --vocab_file=$BERT_BASE_DIR/vocab.txt \
  --bert_config_file=$BERT_BASE_DIR/bert_config.json \
  --init_checkpoint=$TRAINED_CLASSIFIER \
  --max_seq_length=128 \
  --output_dir=/tmp/mrpc_output/
"""
OTHERS = (
    "--use_tpu=false --tpu_name=mine --tpu_zone=z --gcp_project=p --master=grpc://host:8470 "
    "--num_tpu_cores=8 --iterations_per_loop=1000 --save_checkpoints_steps=1000 --warmup_proportion=0.1 "
    "--predict_batch_size=3 --eval_batch_size=8 --do_lower_case=true"
)
DEV = [("the dog eats", "the cat eats", 0), ("one man", "one man", 1), ("a red house", 'the "red" house', 1)]
TEST = [(7, "the dog", "the dog"), (3, "a cat", "a bird"), (12, "one", "two men")]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT of 128 positions, and MRPC as the official files are: a BOM, quotes, and CR LF."""
    root = tmp_path_factory.mktemp("bert_command_line")
    tiny.bert_folder(
        root / "bert", config=replace(tiny_glue.CONFIG, num_hidden_layers=2, max_position_embeddings=128)
    )
    (root / "other_name").mkdir()
    for prefix in ("model.ckpt-21", "x.ckpt"):
        (root / f"other_name/{prefix}.index").touch()
    folder = root / "glue/MRPC"
    folder.mkdir(parents=True)
    rows = DEV * 13  # 39 rows: two batches of 32
    for split, given in (("train", rows), ("dev", DEV)):
        lines = ["\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String"]
        lines += [f"{label}\t{n}\t{n + 1}\t{a}\t{b}" for n, (a, b, label) in enumerate(given)]
        (folder / f"{split}.tsv").write_text("\r\n".join(lines) + "\r\n", newline="")
    lines = ["\ufeffindex\t#1 ID\t#2 ID\t#1 String\t#2 String", *(f"{n}\t1\t2\t{a}\t{b}" for n, a, b in TEST)]
    (folder / "test.tsv").write_text("\r\n".join(lines) + "\r\n", newline="")
    return root


def run(root: Path, text: str, *more: str) -> int:
    for variable, value in {
        "$GLUE_DIR": root / "glue",
        "$BERT_BASE_DIR": root / "bert",
        "$TRAINED_CLASSIFIER": f"{root}/mrpc_output/",
        "/tmp/mrpc_output": root / "mrpc_output",  # noqa: S108
    }.items():
        text = text.replace(variable, str(value))
    argv = shlex.split(text)[1:]
    return command.status(run_classifier.main, run_classifier.FLAGS, [*argv, *more])


def logits(root: Path, rows: list[tuple[str, str]]) -> np.ndarray:
    """What the trained model says, computed by the plain graph."""
    tokenizer = BertFolder.at(root / "bert").tokenizer()
    ids, segments = tokenizer.encode([a for a, _ in rows], [b for _, b in rows], 128)
    answer = tiny.single_task(root / "bert", root / "mrpc_output", ids.numpy(), segments.numpy())
    return np.log(answer["probabilities"])


def test_the_readme_of_bert(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(run_classifier.logging, "info", lambda text, *values: said.append(text % values))
    assert run(root, TRAIN) == 0
    (line,) = [text for text in said if "full fine-tuning" in text]
    assert "all 2 layers train and nothing is shared" in line and "--fine_tuning_layers=L" in line
    output = root / "mrpc_output"
    record = read_record(output)
    assert record.branch.full_fine_tuning and record.trunk == {}
    given = {"learning_rate": 2e-5, "train_batch_size": 32, "num_train_epochs": 3.0, "warmup_proportion": 0.1}
    assert given.items() <= record.hyperparameters.items()
    assert record.branch.task.max_seq_length == 128

    results = dict(line.split(" = ") for line in (output / "eval_results.txt").read_text().splitlines())
    assert list(results) == ["eval_accuracy", "eval_f1", "eval_loss", "global_step", "loss"]
    metrics = json.loads((output / "eval_results.json").read_text())
    assert {name: float(results[f"eval_{name}"]) for name in metrics} == metrics == record.metrics
    scores = logits(root, [(a, b) for a, b, _ in DEV])
    expected = -np.mean([scores[row, label] for row, (_, _, label) in enumerate(DEV)])
    assert float(results["eval_loss"]) == float(results["loss"]) == pytest.approx(expected, abs=1e-5)
    evaluations = json.loads((output / "judgements.json").read_text())["evaluations"]
    assert [each["step"] for each in evaluations] == [2, 4, 6]
    kept = max(evaluations, key=lambda each: (each["metrics"]["accuracy"], -each["step"]))
    assert int(results["global_step"]) == kept["step"]

    assert run(root, PREDICT, *OTHERS.split()) == 0
    rows = [line.split("\t") for line in (output / "test_results.tsv").read_text().splitlines()]
    scores = logits(root, [(a, b) for _, a, b in TEST])
    np.testing.assert_allclose(np.array(rows, np.float64), np.exp(scores), atol=1e-5)
    submission = [f"{n}\t{scores[row].argmax()}" for row, (n, _, _) in enumerate(TEST)]
    assert (output / "MRPC.tsv").read_text().splitlines() == ["index\tprediction", *submission]


def test_a_classifier_from_elsewhere(root: Path, tmp_path: Path) -> None:
    """As in BERT, --init_checkpoint evaluates and predicts where nothing was trained: ours, or BERT's own."""
    output = root / "mrpc_output"
    if not output.exists():
        assert run(root, TRAIN) == 0
    assert run(root, PREDICT) == 0
    assert run(root, PREDICT, f"--output_dir={tmp_path}/a", f"--init_checkpoint={output}/model.ckpt") == 0
    weights = checkpoint.read(output / CHECKPOINT)
    training = {"bert/pooler/dense/bias/adam_m": np.zeros(3, np.float32), "global_step": np.array(343)}
    (tmp_path / "fine_tuned").mkdir()
    checkpoint.write(tmp_path / "fine_tuned/model.ckpt-343", {**weights, **training})
    theirs = f"--init_checkpoint={tmp_path}/fine_tuned/model.ckpt-343"
    assert run(root, PREDICT, f"--output_dir={tmp_path}/b", "--do_eval=true", theirs) == 0
    for folder in ("a", "b"):
        for name in ("test_results.tsv", "MRPC.tsv"):
            assert (tmp_path / folder / name).read_bytes() == (output / name).read_bytes()
    ours, theirs = (
        dict(line.split(" = ") for line in (folder / "eval_results.txt").read_text().splitlines())
        for folder in (output, tmp_path / "b")
    )
    assert theirs == {**ours, "global_step": "343"}
    assert not (tmp_path / "b/branch.json").exists()


@pytest.mark.parametrize("asked", ["--do_predict=true", "--do_train=true"])
def test_a_branch_in_the_place_of_a_bert(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str
) -> None:
    """It holds its own layers alone, so it is told what it is, and not by the names of what it lacks."""
    config = BertFolder.at(root / "bert").config()
    shape = Branch.teacher(tiny.task("mrpc"), 1, config.num_hidden_layers)
    folder = tiny.branch(tmp_path / "branch", root / "bert", shape, golden=False)
    assert (
        run(root, PREDICT, asked, f"--init_checkpoint={folder}/model.ckpt", f"--output_dir={tmp_path}/a") == 1
    )
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"--init_checkpoint={folder}/model.ckpt: is a branch, and its frozen layers are those of" in line
    assert f"--output_dir={folder} to evaluate the branch" in line


@pytest.mark.parametrize(
    ("head", "more", "message"),
    [
        ({}, [], "bert_model.ckpt has no output_bias and no output_weights"),
        ({"output_weights": [3, 32], "output_bias": [3]}, [], "output_weights is [3, 32], wanted [2, 32]"),
        ({"output_weights": [2, 32], "output_bias": [2]}, ["--pooling=mean"], "--pooling=mean: a classifier"),
    ],
)
def test_a_checkpoint_that_is_no_classifier_of_the_task(
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    head: dict[str, list[int]],
    more: list[str],
    message: str,
) -> None:
    weights = checkpoint.read(root / "bert/bert_model.ckpt")
    more_weights = {name: np.zeros(shape, np.float32) for name, shape in head.items()}
    checkpoint.write(tmp_path / "bert_model.ckpt", {**weights, **more_weights})
    more = [*more, f"--init_checkpoint={tmp_path}", f"--output_dir={tmp_path}/out", "--data_dir=/nowhere"]
    assert run(root, PREDICT, *more) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"{tmp_path}/out: nothing was trained there; add --do_train=true" in line and message in line


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--use_tpu=true", "--use_tpu=true: CentraBERT trains on CPUs and GPUs alone; leave the flag out"),
        ("--use_tpu", "--use_tpu=true: "),
        ("--predict_batch_size=0", "--predict_batch_size=0 is not above 0"),
        (
            "--init_checkpoint={root}/bert/bert_model.ckpt.index",
            "ckpt.index: is one file of a checkpoint; give its prefix, {root}/bert/bert_model.ckpt",
        ),
        (
            "--init_checkpoint={root}/bert/bert_model.ckpt.data-00000-of-00001",
            "is one file of a checkpoint; give its prefix, {root}/bert/bert_model.ckpt",
        ),
        (
            "--init_checkpoint={root}/glue",
            "/glue: is a folder without bert_model.ckpt or model.ckpt.index",
        ),
        (
            "--init_checkpoint={root}/other_name",
            "is a folder without bert_model.ckpt or model.ckpt.index; give "
            "--init_checkpoint={root}/other_name/model.ckpt-21 or --init_checkpoint={root}/other_name/x.ckpt",
        ),
        (
            "--full_fine_tuning --fine_tuning_layers=2",
            "--fine_tuning_layers=L or --full_fine_tuning, not both",
        ),
    ],
)
def test_what_it_cannot_mean_is_one_line(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str, message: str
) -> None:
    more = flag.format(root=root).split()
    assert run(root, TRAIN, f"--output_dir={tmp_path}/new", *more) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("run_classifier.py: error: ") and message.format(root=root) in line
    assert not (tmp_path / "new").exists()


def test_a_bert_folder_whose_checkpoint_has_another_name(root: Path) -> None:
    """As BERT's own training writes it; the message says how to name it."""
    folder = root / "other_name"
    with pytest.raises(UserError) as caught:
        _ = BertFlags(bert_dir=folder).files
    assert str(caught.value) == (
        f"--bert_dir={folder}: is a folder without bert_model.ckpt.index; give "
        f"--init_checkpoint={folder}/model.ckpt-21 or --init_checkpoint={folder}/x.ckpt"
    )
    flags = BertFlags(bert_dir=folder, init_checkpoint=folder / "x.ckpt")
    assert flags.files == (folder / "bert_config.json", folder / "vocab.txt", folder / "x.ckpt")


@pytest.mark.parametrize("asked", ["--do_eval=true", "--do_predict=true"])
def test_an_untrained_folder_says_what_to_do(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str
) -> None:
    """Before any data is read."""
    folders = f"--data_dir=/nowhere --output_dir={tmp_path} --bert_dir={root}/bert"
    flags = f"run_classifier.py --task_name=MRPC {folders} {asked}".split()
    assert command.status(run_classifier.main, run_classifier.FLAGS, flags) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.endswith(
        f"{tmp_path}/branch.json: no such file: nothing has been trained there; train a branch in that "
        "folder (run_classifier with --do_train, or run_distill), or give the folder of another"
    )
    (tmp_path / "run.json").write_text("{}")
    assert command.status(run_classifier.main, run_classifier.FLAGS, flags) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert "the training there has not finished; resume it by the command that began it" in line


def test_eval_results_leave_out_what_is_not_known() -> None:
    assert eval_results_text({"pearson": 0.5, "accuracy": 1.0}, None, None) == (
        "eval_accuracy = 1.0\neval_pearson = 0.5\n"
    )


def test_losses_and_scores_of_a_regression() -> None:
    task = tiny.task("sim", "regression")
    logits = np.array([[1.0], [4.0]], np.float32)
    assert mean_loss(task, logits, np.array([3.0, 4.5], np.float32)) == pytest.approx((4 + 0.25) / 2)
    predictions = {"logits": logits, "score": np.array([1.0, 4.5], np.float32)}
    assert prediction_text(task, predictions) == "1.0\n4.5\n"


def test_loss_of_a_classification() -> None:
    logits = np.log(np.array([[0.25, 0.75], [0.5, 0.5]], np.float32))
    loss = mean_loss(tiny.task("rte"), logits, np.array([1, 0], np.int32))
    assert loss == pytest.approx(-(np.log(0.75) + np.log(0.5)) / 2, rel=1e-6)


def test_files_of_other_test_splits_have_their_ending() -> None:
    assert prediction_file("test") == "test_results.tsv"
    assert prediction_file("test_mismatched") == "test_results_mismatched.tsv"
