"""Model versions, batches and answers behind both protocols, and gRPC itself."""
