"""Installs the customer's top-level folders as the one package `centrabert`.

The folders stay where they are; `package_dir` maps `centrabert.modeling` to `modeling/` and so on, so that
nothing called `merge` or `export` lands in anyone's site-packages. The links in `centrabert/` show the same
layout to editors, mypy and an uninstalled clone; setuptools installs what they point at, never a link.
"""

from setuptools import find_packages, setup

PARTS = ("modeling", "glue_data", "distill", "merge", "export", "search")
PACKAGES = [name for part in PARTS for name in (part, *(f"{part}.{room}" for room in find_packages(part)))]

setup(
    packages=["centrabert", *(f"centrabert.{name}" for name in PACKAGES)],
    package_dir={"centrabert": "centrabert", **{f"centrabert.{part}": part for part in PARTS}},
    package_data={
        "centrabert": ["py.typed"],
        "centrabert.export.deploy": ["templates/*"],
        "centrabert.export.page": ["templates/*"],
        "centrabert.glue_data": ["samples/tasks.yaml", "samples/*/*.tsv"],
        "centrabert.search.report": ["templates/*"],
    },
)
