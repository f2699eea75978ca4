"""Which students a teacher can have on its own BERT and on another, and what a method reads of it."""

import dataclasses
from pathlib import Path

import pytest
import tiny
import tiny_glue

from centrabert.distill.methods.method import DistillationMethod
from centrabert.distill.methods.registry import METHODS
from centrabert.distill.methods.tinybert import TinyBERT
from centrabert.distill.methods.vanilla_kd import VanillaKD
from centrabert.distill.student import student_of
from centrabert.distill.teacher import Teacher
from centrabert.errors import UserError
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.layers.layer_states import HIDDEN, LayerState
from centrabert.modeling.training.initialization import TEACHER, Initialization, as_pretrained

TASK = tiny.task("rte")
WHOLE = {layers: Branch(TASK, 0, layers, full_fine_tuning=True) for layers in range(1, 7)}
OWN_LAYERS = {name: method() for name, method in METHODS.items() if not method.runs_teacher}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four BERTs, by their numbers of layers; the teachers are branches of the one of 4."""
    root = tmp_path_factory.mktemp("berts")
    for layers in (1, 2, 4, 6):
        tiny_glue.bert_folder(root / f"bert{layers}", seed=layers, layers=layers)
    for own in (0, 2):
        tiny.branch(root / f"teacher{own}", root / "bert4", Branch(TASK, 4 - own, own), golden=False)
    return root


@pytest.fixture(scope="module")
def teacher(root: Path) -> Teacher:
    """It has 2 layers of its own above 2 frozen ones."""
    return Teacher(root / "teacher2", BertFolder.at(root / "bert4"))


@pytest.mark.parametrize("layers", [1, 2, 4, 6])
def test_on_another_bert_it_is_all_of_it(root: Path, teacher: Teacher, layers: int) -> None:
    """Of the teacher's own BERT it is not, even where that is another copy of it."""
    bert = BertFolder.at(root / f"bert{layers}")
    if layers != 4:
        expected = WHOLE[layers], as_pretrained(WHOLE[layers])
        assert student_of(teacher, layers, bert, VanillaKD()) == expected
        return
    for method in (VanillaKD(), METHODS["theseus"]()):
        for asked in (2, 4):
            with pytest.raises(UserError, match=r"^--student_bert_dir: .*ckpt is the teacher's own BERT; "):
                student_of(teacher, asked, bert, method)


def test_the_same_weights_with_another_config_are_another_bert(
    root: Path, teacher: Teacher, tmp_path: Path
) -> None:
    config = dataclasses.replace(teacher.bert.config(), hidden_dropout_prob=0.3)
    (tmp_path / "bert_config.json").write_text(dump(config.to_json()))
    bert = dataclasses.replace(BertFolder.at(root / "bert4"), config_file=tmp_path / "bert_config.json")
    assert student_of(teacher, 4, bert, VanillaKD())[0] == WHOLE[4]


def test_on_the_teachers_bert_it_stands_on_the_frozen_layers(teacher: Teacher) -> None:
    expected = Branch(TASK, 2, 1), Initialization(TEACHER, (2,))
    assert student_of(teacher, 1, None, VanillaKD()) == expected
    with pytest.raises(UserError, match=r"^--student_layers=3 is outside 1..2, the teacher's tuned layers$"):
        student_of(teacher, 3, None, VanillaKD())


def test_the_number_of_its_layers_is_that_of_its_bert(root: Path, teacher: Teacher) -> None:
    for layers in (1, 3, 7):
        with pytest.raises(
            UserError,
            match=rf"^--student_layers={layers}: .*bert_config.json has 6 .*; give --student_layers=6$",
        ):
            student_of(teacher, layers, BertFolder.at(root / "bert6"), VanillaKD())


def test_its_bert_has_the_teachers_vocabulary(teacher: Teacher, tmp_path: Path) -> None:
    words = tiny.VOCABULARY["vocab.txt"].decode().split()
    vocabulary = "\n".join([*words[:-1], "other"]).encode()
    config = dataclasses.replace(tiny_glue.CONFIG, num_hidden_layers=2)
    other = tiny.bert_folder(tmp_path / "other", config=config, assets={"vocab.txt": vocabulary})
    message = (
        r"^--student_bert_dir: .*other/vocab.txt is another vocabulary than that of .*teacher2; give a BERT"
    )
    with pytest.raises(UserError, match=message):
        student_of(teacher, 2, BertFolder.at(other), VanillaKD())


@pytest.mark.parametrize("method", OWN_LAYERS.values(), ids=OWN_LAYERS)
def test_a_method_reads_what_the_teacher_records(
    root: Path, teacher: Teacher, method: DistillationMethod
) -> None:
    """Of its own layers a graph knows the states, and what the lowest reads; of a frozen layer none."""
    read = method.compared_states(teacher.record.branch, WHOLE[2]).teacher
    assert all(state.depth > 2 or state == LayerState(HIDDEN, 2) for state in read)
    head_alone = Teacher(root / "teacher0", teacher.bert)
    small = BertFolder.at(root / "bert2")
    if not read:
        assert student_of(head_alone, 2, small, method)[0] == WHOLE[2]
        return
    with pytest.raises(UserError, match=f"^--method={method.name} compares .*; take --method="):
        student_of(head_alone, 2, small, method)


@pytest.mark.parametrize("name", ["bert_pkd", "tinybert"])
def test_layers_in_pairs_are_no_more_than_the_teachers(root: Path, teacher: Teacher, name: str) -> None:
    settings = [{}, {"patience": "last"}] if name == "bert_pkd" else [{}]
    for each in settings:
        with pytest.raises(
            UserError, match=rf"^--method={name} compares each .* --student_layers=6 is above 2, the number"
        ):
            student_of(teacher, 6, BertFolder.at(root / "bert6"), METHODS[name](**each))
    assert student_of(teacher, 6, BertFolder.at(root / "bert6"), METHODS["minilm"]())[0] == WHOLE[6]


def test_embeddings_are_compared_where_the_teacher_has_no_frozen_layer() -> None:
    embeddings = LayerState(HIDDEN, 0)
    for frozen, expected in ((0, True), (2, False)):
        compared = TinyBERT().compared_states(Branch(TASK, frozen, 2), WHOLE[2])
        assert (embeddings in compared.student, embeddings in compared.teacher) == (expected, expected)
        layers = [state for state in compared.teacher if state != embeddings]
        assert {state.depth for state in layers} == {frozen + 1, frozen + 2}
