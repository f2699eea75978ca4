"""Dataclasses from JSON: exactly their fields, each of its type; else a UserError names the key."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centrabert.errors import UserError
from centrabert.modeling.formats.dataclass_json import exact_keys, keys_of, read_dataclass


@dataclass(frozen=True)
class Layer:
    size: int
    dropout: float
    name: str | None

    def __post_init__(self) -> None:
        if self.size < 1:
            raise UserError(f"size {self.size} is below 1")


@dataclass(frozen=True)
class Model:
    layers: tuple[Layer, ...]
    digests: dict[str, str]
    steps: tuple[tuple[int, float], ...]
    lower: bool
    settings: Mapping[str, Any]
    weight: float | str = 1.0


KEYS: dict[str, Any] = {
    "layers": [{"size": 3, "dropout": 0.5, "name": "first"}, {"size": 4, "dropout": 0, "name": None}],
    "digests": {"a": "0f"},
    "steps": [[4, 0.25], [8, 1]],
    "lower": True,
    "settings": {"seed": 1, "deep": [{"x": None}]},
    "weight": "milliseconds",
}


def changed(value: Any, *path: Any) -> dict[str, Any]:
    keys = json.loads(json.dumps(KEYS))
    place = keys
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return keys


def test_a_dataclass_from_its_keys() -> None:
    """A whole number stays whole where a float may stand: digests are made of what is written."""
    layers = (Layer(3, 0.5, "first"), Layer(4, 0, None))
    model = read_dataclass(Model, KEYS, "m.json")
    assert model == Model(layers, {"a": "0f"}, ((4, 0.25), (8, 1)), True, KEYS["settings"], "milliseconds")
    assert isinstance(model.layers[1].dropout, int)
    assert read_dataclass(Model, json.loads(json.dumps(asdict(model))), "m.json") == model


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("layers",), {}, "key 'layers' is {}, wanted a list"),
        (("layers", 1), None, "key 'layers[1]' is None, wanted an object"),
        (("layers", 0, "size"), 3.0, "key 'layers[0].size' is 3.0, wanted a whole number"),
        (("layers", 0, "size"), True, "key 'layers[0].size' is True, wanted a whole number"),
        (("layers", 0, "size"), "3", "key 'layers[0].size' is '3', wanted a whole number"),
        (("layers", 0, "size"), 2**63, "key 'layers[0].size' is 9223372036854775808, wanted a whole number"),
        (("layers", 0, "size"), 0, "layers[0]: size 0 is below 1"),
        (("layers", 1, "dropout"), "0.5", "key 'layers[1].dropout' is '0.5', wanted a number"),
        (("layers", 1, "dropout"), False, "key 'layers[1].dropout' is False, wanted a number"),
        (("layers", 1, "dropout"), float("nan"), "key 'layers[1].dropout' is nan, wanted a number"),
        (("layers", 1, "dropout"), float("inf"), "key 'layers[1].dropout' is inf, wanted a number"),
        (("layers", 1, "dropout"), 10**400, "key 'layers[1].dropout' is 1000"),
        (("layers", 1, "name"), 7, "key 'layers[1].name' is 7, wanted a text or null"),
        (("layers", 1, "label"), 7, "unknown keys of 'layers[1]': 'label'"),
        (("digests",), ["a"], "key 'digests' is ['a'], wanted an object"),
        (("digests", "a"), 7, "key 'digests.a' is 7, wanted a text"),
        (("steps", 1), [8], "key 'steps[1]' is [8], wanted a list of 2 values"),
        (("steps", 1, 0), 0.5, "key 'steps[1][0]' is 0.5, wanted a whole number"),
        (("lower",), 1, "key 'lower' is 1, wanted true or false"),
        (("lower",), "true", "key 'lower' is 'true', wanted true or false"),
        (("settings",), [], "key 'settings' is [], wanted an object"),
        (("weight",), None, "key 'weight' is None, wanted a number or a text"),
        (("extra",), 1, "unknown keys: 'extra'"),
    ],
)
def test_refusals_name_file_and_key(path: tuple[Any, ...], value: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(f'm.json: {message}')}"):
        read_dataclass(Model, changed(value, *path), "m.json")


def test_a_key_that_has_a_default_may_not_be_missing_either() -> None:
    keys = {name: value for name, value in KEYS.items() if name not in ("weight", "lower")}
    with pytest.raises(UserError, match=r"^m: missing keys: 'lower', 'weight'$"):
        read_dataclass(Model, keys, "m")


@dataclass(frozen=True)
class Grown:
    """A dataclass that got a field after files had been written."""

    LEFT_OUT: ClassVar = frozenset({"younger"})

    name: str
    younger: str = ""


def test_a_younger_field_is_left_out_where_it_has_its_default() -> None:
    for value, keys in ((Grown("a"), {"name": "a"}), (Grown("a", "b"), {"name": "a", "younger": "b"})):
        assert keys_of(value) == keys
        assert read_dataclass(Grown, keys, "a.json") == value
    with pytest.raises(UserError, match=r"^a.json: missing keys: 'name'$"):
        read_dataclass(Grown, {"younger": "b"}, "a.json")


@pytest.mark.parametrize("value", [None, [], "text", 7])
def test_no_object(value: Any) -> None:
    with pytest.raises(UserError, match=f"^m: holds {re.escape(repr(value))}, wanted an object$"):
        read_dataclass(Model, value, "m")


def test_messages_stay_short() -> None:
    """However long a value is, and however many keys there are."""
    long = "x" * 10**6
    for keys in (changed([long], "lower"), {**KEYS, **{f"{long}{i}": 1 for i in range(9)}}):
        with pytest.raises(UserError) as error:
            read_dataclass(Model, keys, "m")
        assert len(str(error.value)) < 500


def test_exact_keys() -> None:
    assert exact_keys({"a": 1}, {"a"}, "m") == {"a": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
PATHS = [
    *((name,) for name in KEYS),
    *(("layers", 0, name) for name in KEYS["layers"][0]),
    *(("layers", 1), ("digests", "a"), ("steps", 0), ("steps", 1, 1)),
]


@given(st.sampled_from(PATHS), JSON)
def test_anything_anywhere_is_read_or_refused(path: tuple[Any, ...], value: Any) -> None:
    try:
        model = read_dataclass(Model, changed(value, *path), "m.json")
    except UserError as error:
        assert str(error).startswith("m.json: ")
    else:
        assert isinstance(model.weight, int | float | str) and isinstance(model.layers, tuple)
