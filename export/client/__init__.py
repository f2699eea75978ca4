"""A client for TF Serving and for the local server, over gRPC or REST."""
