"""The grammars of the sample tasks: labels and scores are what the sentences mean."""

import re

import pytest

from benchmarks.sample_grammars import sentiment
from benchmarks.sample_grammars.draw import Draw
from benchmarks.sample_grammars.relations import RELATIONS
from benchmarks.sample_grammars.similarity import Scene, Term, relatedness, score
from benchmarks.sample_grammars.words import with_articles, words


def test_no_premise_both_entails_and_does_not() -> None:
    for relation in RELATIONS:
        assert not set(relation.entailing.all) & set(relation.other.all)
    assert len(RELATIONS) == 17


@pytest.mark.parametrize("label", sentiment.LABELS)
def test_templates_of_sentiment_mean_what_their_slots_say(label: str) -> None:
    kinds = (sentiment.DIRECT, sentiment.NEGATED, sentiment.CONTRAST)
    slots = [{slot for text in kind.all for slot in re.findall(r"{(\w+)}", text)} for kind in kinds]
    assert slots == [{"thing", "a", "a2"}, {"thing", "b", "b2"}, {"thing", "a", "b"}]
    assert sentiment.row(Draw("x"), False, label) == sentiment.row(Draw("x"), False, label)


MAN, GUY, WOMAN, NURSE = (
    Term("man", "man/guy", "adults", ""),
    Term("guy", "man/guy", "adults", ""),
    Term("woman", "woman", "adults", ""),
    Term("nurse", "nurse", "hospital", ""),
)
EATING, SLICING, WASHING = (
    Term("eating:eaten", "eating", "eat", "food verb"),
    Term("slicing:sliced", "slicing", "cut", "food verb"),
    Term("washing:washed", "washing", "wash", "vehicle verb"),
)
APPLE, CAR = Term("apple", "apple", "fruit", "food"), Term("car", "car", "cars", "vehicle")
PARK, STREET = Term("in the park", "park", "outside", ""), Term("on the street", "street", "roads", "")


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Scene(MAN, EATING, APPLE, PARK), 5.0),
        (Scene(GUY, EATING, APPLE, PARK), 4.85),
        (Scene(MAN, EATING, APPLE, None), 4.75),
        (Scene(MAN, EATING, APPLE, STREET), 4.5),
        (Scene(WOMAN, EATING, APPLE, PARK), 4.25),
        (Scene(NURSE, EATING, APPLE, PARK), 3.5),
        (Scene(MAN, SLICING, APPLE, PARK), 3.6),
        (Scene(MAN, WASHING, CAR, PARK), 2.0),
        (Scene(NURSE, WASHING, CAR, STREET), 0.0),
    ],
)
def test_scores_by_hand(other: Scene, expected: float) -> None:
    first = Scene(MAN, EATING, APPLE, PARK)
    assert score(first, other) == pytest.approx(expected)
    assert score(other, first) == pytest.approx(expected)


def test_two_scenes_without_a_place_agree_in_it() -> None:
    assert relatedness(None, None) == 1.0


def test_a_scene_is_told_with_and_without_a_place() -> None:
    scene = Scene(MAN, EATING, APPLE, PARK)
    assert scene.told("A {subject} is {doing} a {object} {place}.") == "A man is eating an apple in the park."
    assert (
        scene.told("{place} a {subject} is {doing} a {object}.") == "In the park, a man is eating an apple."
    )
    nowhere = Scene(MAN, EATING, APPLE, None)
    assert nowhere.told("{place} a {object} is {done}.") == "An apple is eaten."


def test_articles() -> None:
    assert with_articles("a owl and a useful axe") == "An owl and a useful axe"


def test_a_split_shares_nothing() -> None:
    with pytest.raises(ValueError, match="shared: \\['b'\\]"):
        words("a b", "b c")


def test_draws_are_the_same_for_ever() -> None:
    draw = Draw("centrabert")
    assert [draw.below(100) for _ in range(6)] == [8, 68, 29, 77, 28, 20]
    assert sorted(draw.some("abcdef", 6)) == list("abcdef")
