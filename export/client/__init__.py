"""A client for TF Serving and for the local server, over gRPC or REST."""

from centrabert.export.client.client import Client
from centrabert.export.client.rows import Row

__all__ = ["Client", "Row"]
