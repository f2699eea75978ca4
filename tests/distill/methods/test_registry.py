"""The registry is total: every method's file is in it, and its settings can be flags and keys."""

import dataclasses
from pathlib import Path
from typing import ClassVar

import pytest

from centrabert.distill.methods import registry
from centrabert.distill.methods.method import DistillationMethod, setting
from centrabert.distill.methods.registry import METHODS, find_method, settings
from centrabert.distill.methods.vanilla_kd import VanillaKD
from centrabert.modeling.training.hyperparameters import Hyperparameters


def test_every_file_is_a_method() -> None:
    folder = Path(registry.__file__).parent
    files = {file.stem for file in folder.glob("*.py")} - {"__init__", "method", "registry"}
    assert files == METHODS.keys()
    assert all(name == method.name for name, method in METHODS.items())


@pytest.mark.parametrize("method", METHODS.values())
def test_a_method_is_told_completely_by_its_json(method: type[DistillationMethod]) -> None:
    keys = method().to_json()
    assert find_method(keys.pop("method"), keys) == method()


def test_no_setting_has_the_name_of_a_hyperparameter() -> None:
    """They stand beside each other in branch.json."""
    taken = {field.name for field in dataclasses.fields(Hyperparameters)} | {"method", "initialization"}
    assert not taken & {each.name for each in settings()}


def test_settings_are_found_by_name() -> None:
    given = {"temperature": 3.0, "soft_weight": None}
    assert find_method("vanilla_kd", given) == VanillaKD(temperature=3.0)
    with pytest.raises(ValueError, match="--method=magic is none of vanilla_kd"):
        find_method("magic", {})
    with pytest.raises(ValueError, match="--charm is no setting of --method=vanilla_kd"):
        find_method("vanilla_kd", {"charm": 1.0})
    with pytest.raises(ValueError, match="--method=vanilla_kd: key 'temperature' is 'hot', wanted a number"):
        find_method("vanilla_kd", {"temperature": "hot"})


def test_methods_may_share_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclasses.dataclass(frozen=True)
    class Colder(VanillaKD):
        name: ClassVar[str] = "colder"
        temperature: float = setting(1.0, "Not much.")
        layers: int = setting(3, "How many.")

    monkeypatch.setattr(registry, "METHODS", {"vanilla_kd": VanillaKD, "colder": Colder})
    found = {each.name: each for each in settings()}
    assert list(found) == ["temperature", "soft_weight", "hard_weight", "layers"]
    assert (found["layers"].of_type, found["layers"].help_text) == (
        int,
        "How many. Default with colder: 3.",
    )
    text = found["temperature"].help_text
    assert "Default with vanilla_kd: 2.0. Not much. Default with colder: 1.0." in text
    assert found["soft_weight"].help_text.endswith("teacher. Default with vanilla_kd: 1.0, with colder: 1.0.")
