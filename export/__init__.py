"""The merged model as a SavedModel, and its answers."""
