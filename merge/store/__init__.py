"""The model store: a trunk, branches and versions of a merged model, each written once and never changed."""
