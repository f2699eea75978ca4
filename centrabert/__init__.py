"""Serve many text tasks from one BERT."""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# All that is promised, and from which module each name is loaded when it is first used: `import centrabert`
# imports neither TensorFlow nor NumPy. docs/PYTHON.md describes every one.
API = {
    "convert_bert": "centrabert.pipeline",
    "fine_tune": "centrabert.pipeline",
    "distill_student": "centrabert.pipeline",
    "merge_branches": "centrabert.pipeline",
    "export_version": "centrabert.pipeline",
    "promotion_gate": "centrabert.pipeline",
    "load_version": "centrabert.pipeline",
    "ModelStore": "centrabert.export.lifecycle.model_store",
    "ChangeOptions": "centrabert.export.lifecycle.version_change",
    "Outcome": "centrabert.export.lifecycle.version_change",
    "Version": "centrabert.merge.store.version_record",
    "Proof": "centrabert.export.lifecycle.proof",
    "PromotionGate": "centrabert.export.lifecycle.promotion_gate",
    "Judgement": "centrabert.export.lifecycle.comparison",
    "export_labelled": "centrabert.export.lifecycle.store_export",
    "TfServing": "centrabert.export.deploy.tf_serving",
    "ExportedModel": "centrabert.export.engine.exported_model",
    "Client": "centrabert.export.client.client",
    "Row": "centrabert.export.client.rows",
    "Hyperparameters": "centrabert.modeling.training.hyperparameters",
    "TaskSpec": "centrabert.modeling.task",
    "TaskData": "centrabert.glue_data.task_data",
    "PlainTask": "centrabert.glue_data.task_data",
    "Branch": "centrabert.modeling.branch",
    "BranchRecord": "centrabert.modeling.branch_folder",
    "Manifest": "centrabert.merge.manifest",
    "UserError": "centrabert.errors",
    "RequestError": "centrabert.export.client.errors",
}
__all__ = ["__version__", *API]

if TYPE_CHECKING:  # the same for type checkers; a test compares
    from centrabert.errors import UserError as UserError
    from centrabert.export.client.client import Client as Client
    from centrabert.export.client.errors import RequestError as RequestError
    from centrabert.export.client.rows import Row as Row
    from centrabert.export.deploy.tf_serving import TfServing as TfServing
    from centrabert.export.engine.exported_model import ExportedModel as ExportedModel
    from centrabert.export.lifecycle.comparison import Judgement as Judgement
    from centrabert.export.lifecycle.model_store import ModelStore as ModelStore
    from centrabert.export.lifecycle.promotion_gate import PromotionGate as PromotionGate
    from centrabert.export.lifecycle.proof import Proof as Proof
    from centrabert.export.lifecycle.store_export import export_labelled as export_labelled
    from centrabert.export.lifecycle.version_change import ChangeOptions as ChangeOptions
    from centrabert.export.lifecycle.version_change import Outcome as Outcome
    from centrabert.glue_data.task_data import PlainTask as PlainTask
    from centrabert.glue_data.task_data import TaskData as TaskData
    from centrabert.merge.manifest import Manifest as Manifest
    from centrabert.merge.store.version_record import Version as Version
    from centrabert.modeling.branch import Branch as Branch
    from centrabert.modeling.branch_folder import BranchRecord as BranchRecord
    from centrabert.modeling.task import TaskSpec as TaskSpec
    from centrabert.modeling.training.hyperparameters import Hyperparameters as Hyperparameters
    from centrabert.pipeline import convert_bert as convert_bert
    from centrabert.pipeline import distill_student as distill_student
    from centrabert.pipeline import export_version as export_version
    from centrabert.pipeline import fine_tune as fine_tune
    from centrabert.pipeline import load_version as load_version
    from centrabert.pipeline import merge_branches as merge_branches
    from centrabert.pipeline import promotion_gate as promotion_gate


def __getattr__(name: str) -> Any:
    """Loads a name of API (PEP 562)."""
    if name not in API:
        raise AttributeError(f"module 'centrabert' has no attribute {name!r}")
    return getattr(importlib.import_module(API[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *API})
