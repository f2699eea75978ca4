"""A smaller BERT from texts: what is compared, its loss by hand, and the folder that is written."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny
import tiny_glue

from centrabert.distill.comparison.layer_pairs import even_layers
from centrabert.distill.distillation import distil
from centrabert.distill.methods.minilm import MiniLM
from centrabert.distill.methods.theseus import Theseus
from centrabert.distill.methods.vanilla_kd import VanillaKD
from centrabert.distill.teacher import Teacher
from centrabert.distill.text.text_distillation import TextDistillation, distil_texts
from centrabert.distill.text.text_model import text_model_fn
from centrabert.distill.text.text_objectives import OBJECTIVES, Comparison
from centrabert.distill.text.texts import encoded_texts
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.layers.layer_states import HIDDEN, LayerState
from centrabert.modeling.training.branch_model import Optimization
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.task_runner import TaskRunner

CONFIG = tiny_glue.CONFIG
HYPERPARAMETERS = Hyperparameters(
    learning_rate=1e-3, train_batch_size=2, num_train_epochs=6, seed=3, save_checkpoints_steps=4
)


def depths(found: list[Comparison]) -> list[tuple[str, int, int]]:
    return [(each.student.kind, each.student.depth, each.teacher.depth) for each in found]


def test_what_is_compared() -> None:
    assert depths(OBJECTIVES["distilbert"](6, 12)) == [("hidden", 6, 12)]
    assert depths(OBJECTIVES["minilm"](6, 12)) == [("attention_scores", 6, 12), ("value", 6, 12)]
    of_layers = [(kind, own, 2 * own) for own in range(1, 7) for kind in ("hidden", "attention_scores")]
    assert depths(OBJECTIVES["tinybert"](6, 12)) == [("hidden", 0, 0), *of_layers]
    assert even_layers(6, 12) == (0, 2, 4, 6, 8, 10)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    file = tmp_path / "texts.txt"
    file.write_text("the red dog\n\none dog\nthe red dog\nred man one one dog\nthe man\n")
    return file


def test_each_line_is_read_once(runner: TaskRunner, texts: Path) -> None:
    rows = encoded_texts([texts, texts], runner.tokenizer, 16)
    assert rows.text_a == ("the red dog", "one dog", "red man one one dog", "the man")


def test_what_is_no_text_is_refused(runner: TaskRunner, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"absent\.txt: No such file"):
        encoded_texts([tmp_path / "absent.txt"], runner.tokenizer, 16)
    (tmp_path / "latin").write_bytes(b"caf\xe9\n")
    with pytest.raises(ValueError, match="latin: not UTF-8 at byte 3"):
        encoded_texts([tmp_path / "latin"], runner.tokenizer, 16)
    (tmp_path / "empty").write_text("\n \n")
    with pytest.raises(ValueError, match="empty: no text; give files with a text in each line"):
        encoded_texts([tmp_path / "empty"], runner.tokenizer, 16)


def test_a_student_of_all_layers_has_nothing_to_learn_but_its_dropout(runner: TaskRunner) -> None:
    """The distance of a BERT to itself is 0; in a graph without dropout, which the seam has no use for."""
    layers = 2  # of its three: a mix-up would show
    config = dataclasses.replace(
        CONFIG, num_hidden_layers=layers, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    hidden = LayerState(HIDDEN, layers)
    for objective in OBJECTIVES.values():
        with tf.Graph().as_default(), tf.Session() as session:
            ids = tf.constant([[2, 7, 8, 3], [2, 9, 3, 0]], tf.int32)
            features = {"input_ids": ids, "segment_ids": tf.zeros_like(ids)}
            comparisons = objective(layers, layers)
            model_fn = text_model_fn(
                config, layers, comparisons, runner.bert.checkpoint, 0, Optimization(1e-3, 10, 1, 0)
            )
            loss = model_fn(features, None, "train", {}).loss
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
            assert session.run(loss) == pytest.approx(0, abs=1e-6)
    assert hidden in {each.student for each in OBJECTIVES["distilbert"](layers, layers)}


@pytest.fixture
def smaller(runner: TaskRunner, texts: Path, tmp_path: Path) -> BertFolder:
    rows = encoded_texts([texts], runner.tokenizer, 16)
    job = TextDistillation(
        runner.bert, runner.tokenizer, 2, "tinybert", rows, HYPERPARAMETERS, tmp_path / "smaller"
    )
    bert = distil_texts(job)
    assert distil_texts(job).checkpoint == bert.checkpoint  # it is finished
    with pytest.raises(ValueError, match=r"objective.method: 'tinybert', now 'minilm'"):
        distil_texts(dataclasses.replace(job, objective="minilm"))
    config = dataclasses.replace(runner.bert.config(), hidden_dropout_prob=0.3)
    (tmp_path / "config.json").write_text(dump(config.to_json()))
    with pytest.raises(ValueError, match=r"differs in config.hidden_dropout_prob: 0.1, now 0.3; choose"):
        other = dataclasses.replace(runner.bert, config_file=tmp_path / "config.json")
        distil_texts(dataclasses.replace(job, bert=other))
    return bert


def test_a_smaller_bert_is_a_bert_like_any_other(
    runner: TaskRunner, smaller: BertFolder, tmp_path: Path
) -> None:
    """It has moved from where it started, the pooler stood still, and a task can be distilled into it."""
    config = smaller.config()
    assert config == dataclasses.replace(runner.bert.config(), num_hidden_layers=2)
    before, after = runner.bert.read(), smaller.read()
    for own, other in ((0, 0), (1, 1)):
        pairs = zip(scopes.layer_shapes(config, own), scopes.layer_shapes(config, other), strict=True)
        assert not any(np.array_equal(after[name], before[there]) for name, there in pairs)
    assert np.array_equal(after["bert/pooler/dense/kernel"], before["bert/pooler/dense/kernel"])
    assert smaller.tokenizer().digest == runner.tokenizer.digest

    hyper = dataclasses.replace(tiny_glue.HYPERPARAMETERS, num_train_epochs=1)
    whole = Branch(runner.spec, 0, CONFIG.num_hidden_layers, full_fine_tuning=True)
    tiny.branch(tmp_path / "teacher", runner.bert.checkpoint.parent, whole, golden=False)
    teacher = Teacher(tmp_path / "teacher", runner.bert)
    on_smaller = dataclasses.replace(runner, bert=smaller)
    record = on_smaller.distil(teacher, 2, hyper, tmp_path / "student", method=MiniLM())
    assert record.branch == Branch(runner.spec, 0, 2, full_fine_tuning=True)
    assert record.config == config
    assert record.hyperparameters["initialization"] == {"origin": "pretrained", "layers": [0, 1]}
    student = checkpoint.read(tmp_path / "student" / "model.ckpt")
    assert set(student) == set(record.branch.owned_shapes(config))
    wide = dataclasses.replace(smaller)
    wide.__dict__["_config"] = dataclasses.replace(config, hidden_size=64)
    arguments = (runner.tokenizer, runner.train, runner.dev, runner.score, tmp_path / "other", hyper)
    with pytest.raises(ValueError, match=r"--method=minilm compares states .* has hidden_size 64, .* has"):
        distil(teacher, 2, *arguments, MiniLM(), student_bert=wide)
    with pytest.raises(ValueError, match=r"--method=theseus puts the student.s layers among the teacher.s"):
        distil(teacher, 2, *arguments, Theseus(), student_bert=smaller)
    with pytest.raises(ValueError, match=r"--student_layers=1: .*bert_config.json has 2 layers"):
        distil(teacher, 1, *arguments, VanillaKD(), student_bert=smaller)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "flag",
    [
        {"eval_batch_size": 8},
        {"early_stopping_patience": 2},
        {"class_weights": ("balanced",)},
        {"label_smoothing": 0.1},
        {"lora_rank": 2},
    ],
    ids=lambda flag: next(iter(flag)),
)
def test_what_texts_have_no_use_for_is_refused(
    runner: TaskRunner, texts: Path, tmp_path: Path, flag: dict[str, Any]
) -> None:
    rows = encoded_texts([texts], runner.tokenizer, 16)
    other = dataclasses.replace(HYPERPARAMETERS, **flag)
    with pytest.raises(ValueError, match=f"^--{next(iter(flag))}: distillation on texts has no use for it"):
        TextDistillation(runner.bert, runner.tokenizer, 2, "minilm", rows, other, tmp_path / "smaller")


@pytest.mark.parametrize("layers", [0, 3])
def test_it_has_fewer_layers(runner: TaskRunner, texts: Path, tmp_path: Path, layers: int) -> None:
    rows = encoded_texts([texts], runner.tokenizer, 16)
    with pytest.raises(ValueError, match=rf"--num_hidden_layers={layers} is outside 1..2"):
        TextDistillation(
            runner.bert, runner.tokenizer, layers, "minilm", rows, HYPERPARAMETERS, tmp_path / "smaller"
        )
