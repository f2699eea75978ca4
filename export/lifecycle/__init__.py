"""The life of a merged model: versions of a store are made, proved, promoted, and exported."""
