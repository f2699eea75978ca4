"""What a search reads of a BERT's folder before it begins."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import tiny_pieces
import tiny_search

from centrabert.search.jobs.content_digest import bert_digest
from centrabert.search.jobs.job_folder import prepare
from centrabert.search.preflight import open_search, other_results, read_layers, reads_lower_case
from centrabert.search.strategy.search_space import students, teachers
from centrabert.training_flags import BertFlags


def test_a_sentencepiece_model_in_the_place_of_vocab_txt(tmp_path: Path) -> None:
    """It is found, says how text is read, and decides what a job's result rests on."""
    tokenizer = tiny_pieces.xlm_roberta()
    folder = tiny.bert_folder(tmp_path / "bert", assets=tokenizer.assets)
    file = folder / "sentencepiece.bpe.model"
    assert read_layers(folder, 16) == tiny.CONFIG.num_hidden_layers
    assert not reads_lower_case(folder, None)
    with pytest.raises(ValueError, match="do_lower_case=True was asked for"):
        reads_lower_case(folder, True)
    assert BertFlags(bert_dir=folder).files[1] == file
    before = bert_digest(folder)
    file.write_bytes(tokenizer.model.kept(range(50)).content)
    assert bert_digest(folder) != before
    file.unlink()
    with pytest.raises(ValueError, match=r"no such file; --bert_dir wants .*, vocab\.txt or sentencepiece"):
        read_layers(folder, 16)


@pytest.mark.parametrize(
    ("assets", "segments", "refused"),
    [
        (tiny.VOCABULARY, 1, True),
        (tiny.VOCABULARY, 2, False),
        (tiny_pieces.xlm_roberta().assets, 1, False),  # all its segments are 0
        (tiny_pieces.albert().assets, 1, True),
    ],
)
def test_a_bert_of_one_segment_is_searched_for_single_texts_alone(
    tmp_path: Path, assets: Mapping[str, bytes], segments: int, refused: bool
) -> None:
    """Its pairs are refused before a job starts."""
    config = replace(tiny.CONFIG, type_vocab_size=segments)
    folder = tiny.bert_folder(tmp_path / "bert", config=config, assets=assets)
    (tmp_path / "rows.tsv").write_text("text\tother\tlabel\na\tb\tx\nc\td\ty\n")
    files = "train: rows.tsv, dev: rows.tsv"
    (tmp_path / "tasks.yaml").write_text(
        f"tasks:\n  mood: {{{files}}}\n  twins: {{{files}, text_b: other}}\n"
    )
    space = tiny_search.space(
        bert_dir=str(folder),
        data_root=str(tmp_path / "tasks.yaml"),
        tasks=("mood", "twins"),
        num_hidden_layers=config.num_hidden_layers,
        fine_tuning_layers=(1,),
    )
    found = open_search(space, tmp_path / "out", cached=True, cores=1)
    assert found.search.space.tasks == (("mood",) if refused else ("mood", "twins"))
    message = f"{folder}/bert_config.json: task twins reads pairs of texts, and the second text has segment 1"
    assert [each.startswith(message) for each in found.errors.values()] == [True] * refused
    if refused:
        with pytest.raises(ValueError, match="task twins reads pairs of texts"):
            open_search(replace(space, tasks=("twins",)), tmp_path / "out", cached=True, cores=1)


def test_texts_without_labels_of_some_tasks(tmp_path: Path) -> None:
    folder = tiny.bert_folder(tmp_path / "bert")
    (tmp_path / "rows.tsv").write_text("text\tlabel\na\tx\nc\ty\n")
    files = "train: rows.tsv, dev: rows.tsv"
    (tmp_path / "tasks.yaml").write_text(f"tasks:\n  mood: {{{files}}}\n  topic: {{{files}}}\n")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "mood.tsv").write_text("one\ntwo\nthree\n")
    space = tiny_search.space(
        bert_dir=str(folder),
        data_root=str(tmp_path / "tasks.yaml"),
        tasks=("mood", "topic"),
        num_hidden_layers=tiny.CONFIG.num_hidden_layers,
        fine_tuning_layers=(1,),
        student_layers=(1,),
        unlabelled_dir=str(tmp_path / "texts"),
    )
    found = open_search(space, tmp_path / "out", cached=True, cores=1)
    assert found.without_texts == ["topic"]
    assert {task: work.unlabelled_rows for task, work in found.search.cost.workloads.items()} == {
        "mood": 3,
        "topic": 0,
    }
    assert set(found.space.unlabelled_digests) == {"mood"}
    mood = next(each for each in teachers(found.space) if each.task == "mood")
    for spec in (mood, *students(mood, found.space), *students(mood, space)):
        prepare(found.search.jobs_dir, spec)
    assert other_results(found.search) == []
    (tmp_path / "texts" / "mood.tsv").write_text("another\n")
    (left_out,) = other_results(open_search(space, tmp_path / "out", cached=True, cores=1).search)
    assert left_out.unlabelled_digest == found.space.unlabelled_digests["mood"]
    (tmp_path / "texts" / "mood.tsv").unlink()
    (tmp_path / "texts" / "mood.tsv").mkdir()
    assert "mood.tsv" in open_search(space, tmp_path / "out", cached=True, cores=1).errors["mood"]
    for changed, wrong in (
        # A mistake of the flags, and none of mood alone.
        (replace(space, method="theseus"), "leave --unlabelled_dir out"),
        (replace(space, unlabelled_dir="/nowhere"), "--unlabelled_dir=/nowhere: there is no such folder"),
    ):
        with pytest.raises(ValueError, match=wrong):
            open_search(changed, tmp_path / "out", cached=True, cores=1)


def test_vocab_txt(tmp_path: Path) -> None:
    folder = tiny.bert_folder(tmp_path / "bert")
    assert reads_lower_case(folder, None)
    assert not reads_lower_case(folder, False)
