"""The drawing of a merged model: every layer once, at its height; no line or text runs into a branch."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from tiny import BRANCHES, task
from tiny_config import CONFIG

from centrabert.export.page.page import drawing
from centrabert.merge.manifest import Manifest
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.config import BertConfig

Element = ElementTree.Element
SVG = {"": "http://www.w3.org/2000/svg"}
DEEP = replace(CONFIG, num_hidden_layers=12)
LONG = "a_task_with_a_name_that_goes_on_and_on_and_on"
NASTY = '<b>&"'


def manifest(branches: Sequence[Branch], config: BertConfig = CONFIG) -> Manifest:
    """A merged model of these branches, which has digests but no weights."""
    trunk = {name: "t" for branch in branches for name in branch.shared_names(config)}
    records = tuple(record(branch, config) for branch in branches)
    return Manifest(config, True, "v", branches[0].task.max_seq_length, trunk, records)


def record(branch: Branch, config: BertConfig) -> BranchRecord:
    trunk, owned = branch.shared_names(config), branch.owned_shapes(config)
    return BranchRecord(
        branch,
        config,
        dict.fromkeys(trunk, "t"),
        dict.fromkeys(owned, "o"),
        vocabulary_digest="v",
        do_lower_case=True,
        metrics={},
        hyperparameters={},
    )


def many(count: int) -> list[Branch]:
    """Branches of all depths, some with long names, long labels or many."""
    labels = (("no", "yes"), ("a label that is longer than a box", "b"), tuple("abcdefg"), ("汉字" * 30, "c"))
    names = [f"{LONG}_{place}" if place % 5 == 2 else f"task_{place:02}" for place in range(count)]
    return [
        Branch(task(name, labels=labels[place % 4]), frozen=place * 5 % 11, tuned=1 + place % 2)
        for place, name in enumerate(sorted(names))
    ]


CASES = [(BRANCHES, CONFIG), *((many(count), DEEP) for count in (1, 8, 64))]


def drawn(branches: Sequence[Branch], config: BertConfig = CONFIG) -> Element:
    return ElementTree.fromstring(drawing(manifest(branches, config)))  # noqa: S314 - our own text


def boxes(element: Element) -> dict[str, Element]:
    """The boxes in an element, by what is written in each; fails if two say the same."""
    rects, texts = element.findall("rect", SVG), element.findall("text[@class='mono']", SVG)
    inside = {
        text.text or "": rect
        for rect in rects
        for text in texts
        if number(rect, "y") < number(text, "y") < number(rect, "y") + number(rect, "height")
    }
    assert len(inside) == len(rects)
    return inside


def found(element: Element, path: str) -> Element:
    """The first at that path."""
    first = element.find(path, SVG)
    assert first is not None, path
    return first


def number(element: Element, name: str) -> float:
    return float(element.attrib[name])


def trunk(svg: Element) -> dict[str, Element]:
    layers = [boxes(layer) for layer in svg.findall("g[@class='layer']", SVG)]
    embeddings = found(svg, "rect[@class='shared']")
    return {"embeddings": embeddings, **{name: rect for layer in layers for name, rect in layer.items()}}


def branch_groups(svg: Element) -> dict[str, Element]:
    groups = svg.findall("g[@class='branch']", SVG)
    return {group.attrib["data-task"]: group for group in groups}


def way(group: Element) -> tuple[float, ...]:
    """Where a branch's line begins, how high it goes, and how far: x, y, height, x."""
    path = found(group, "path[@class='rail way']").attrib["d"]
    match = re.fullmatch(r"M([\d.]+),([\d.]+) V([\d.]+) H([\d.]+)", path)
    assert match
    return tuple(map(float, match.groups()))


def texts(element: Element) -> list[str]:
    return [text.text or "" for text in element.findall("text", SVG)]


@pytest.mark.parametrize(("branches", "config"), CASES)
def test_every_layer_is_drawn_once(branches: Sequence[Branch], config: BertConfig) -> None:
    svg = drawn(branches, config)
    deepest = max(branch.frozen for branch in branches)
    assert list(trunk(svg)) == ["embeddings", *(f"layer_{layer}" for layer in range(deepest))]
    assert {name: list(boxes(group)) for name, group in branch_groups(svg).items()} == {
        branch.task.name: [f"layer_{layer}" for layer in range(branch.frozen, branch.depth)]
        for branch in branches
    }


@pytest.mark.parametrize(("branches", "config"), CASES)
def test_a_layer_has_one_height_in_trunk_and_branches(branches: Sequence[Branch], config: BertConfig) -> None:
    svg = drawn(branches, config)
    floor = number(trunk(svg)["embeddings"], "y")
    for own in (trunk(svg), *map(boxes, branch_groups(svg).values())):
        heights = {name: floor - number(rect, "y") for name, rect in own.items() if name != "embeddings"}
        assert heights == {name: 30 * (1 + int(name.removeprefix("layer_"))) for name in heights}


@pytest.mark.parametrize(("branches", "config"), CASES)
def test_a_branch_starts_above_its_trunk_layer(branches: Sequence[Branch], config: BertConfig) -> None:
    svg = drawn(branches, config)
    shared, groups = trunk(svg), branch_groups(svg)
    for branch in branches:
        group = groups[branch.task.name]
        under = shared[f"layer_{branch.frozen - 1}" if branch.frozen else "embeddings"]
        lowest, head = boxes(group)[f"layer_{branch.frozen}"], found(group, "circle[@class='head']")
        x, y, level, end = way(group)
        assert (x, y) == (number(under, "x") + number(under, "width") / 2, number(under, "y"))
        assert number(lowest, "y") + number(lowest, "height") < level < y
        rise = found(group, "path[@class='rail']").attrib["d"]
        assert rise.startswith(f"M{end:g},{level:g} Q{number(head, 'cx'):g},")
        assert rise.endswith(f" V{number(head, 'cy') + number(head, 'r'):g}")


@pytest.mark.parametrize(("branches", "config"), CASES)
def test_no_line_crosses_a_branch(branches: Sequence[Branch], config: BertConfig) -> None:
    groups = branch_groups(drawn(branches, config)).values()
    rects = [rect for group in groups for rect in boxes(group).values()]
    for _, _, level, end in map(way, groups):
        for rect in rects:
            assert number(rect, "x") > end or number(rect, "y") + number(rect, "height") < level


def extent(group: Element) -> tuple[float, float]:
    """Left and right end of what a branch draws at its own place, by the width of a monospaced font."""
    centres = {number(text, "x") for text in group.findall("text", SVG)}
    (centre,) = centres
    sizes = {"name": 13, "mono": 11, "quiet": 9}  # the kind is in a narrower font
    widest = max(
        sum(1.2 if sign > "\u2e80" else 0.6 for sign in text.text or "") * sizes[text.attrib["class"]]
        for text in group.findall("text", SVG)
    )
    half = max(widest, *(number(rect, "width") for rect in group.findall("rect", SVG))) / 2
    return centre - half, centre + half


@pytest.mark.parametrize(("branches", "config"), CASES)
def test_nothing_overlaps_and_all_is_inside(branches: Sequence[Branch], config: BertConfig) -> None:
    svg = drawn(branches, config)
    ends = sorted(map(extent, branch_groups(svg).values()))
    rightmost = max(number(rect, "x") + number(rect, "width") for rect in trunk(svg).values())
    assert all(left[1] + 8 < right[0] for left, right in pairwise([(0, rightmost), *ends]))
    assert ends[-1][1] < number(svg, "width")
    heights = [number(text, "y") for text in svg.iterfind(".//text", SVG)]
    assert min(heights) > 11
    assert max(heights) < number(svg, "height") - 4
    assert svg.attrib["viewBox"] == f"0 0 {svg.attrib['width']} {svg.attrib['height']}"


def test_totals() -> None:
    """A trunk of 4, and 2 + 1 + 1 + 5 + 3; a BERT of 5 for each of five tasks."""
    assert texts(drawn(BRANCHES))[-3:] == [
        "4 frozen layers, the trunk, computed once",
        "12 tuned layers above it",
        "16 layers for all 5 tasks, against 25 of one BERT per task (64%)",
    ]
    assert texts(drawn([Branch(task("rte"), 4, 1)]))[-2:] == [
        "1 tuned layer above it",
        "5 layers for 1 task, against 5 of one BERT per task (100%)",
    ]


def test_embeddings_alone_are_a_trunk() -> None:
    svg = drawn([Branch(task("rte"), 0, 2)])
    assert list(trunk(svg)) == ["embeddings"]
    assert texts(svg)[-3] == "0 frozen layers, the trunk, computed once"


def test_a_reader_of_screens_is_told_all() -> None:
    svg = drawn(BRANCHES)
    title, told = found(svg, "title"), found(svg, "desc")
    assert (svg.attrib["role"], title.text) == ("img", "5 tasks on one shared trunk")
    assert svg.attrib["aria-labelledby"] == title.attrib["id"]
    assert svg.attrib["aria-describedby"] == told.attrib["id"]
    assert "rte leaves the trunk above layer_2: layer_3 layer_4, classification no, yes." in (told.text or "")
    assert "tone leaves the trunk above the embeddings: layer_0 " in (told.text or "")


def test_heads_say_name_kind_and_labels() -> None:
    groups = branch_groups(drawn(BRANCHES))
    assert texts(groups["tone"])[5:] == ["tone", "classification", "bad", "dull", "fine", "good"]
    assert texts(groups["sim"])[1:] == ["sim", "regression"]


def test_texts_are_escaped_and_shortened() -> None:
    labels = (NASTY, "\u200b\u200b", "x" * 40, *map(str, range(9)))
    (group,) = branch_groups(drawn([Branch(task(LONG, labels=labels), 4, 1)])).values()
    shown = ["a_task_with_a_name_th…on_and_on", "classification", NASTY, "\u200b\u200b"]
    assert texts(group)[1:] == [*shown, f"{'x' * 21}…{'x' * 9}", "+ 9 more"]
    assert (
        found(group, "title").text == f"{LONG}: {NASTY}, \u200b\u200b, {'x' * 40}, 0, 1, 2, 3, 4, 5, 6, 7, 8"
    )
