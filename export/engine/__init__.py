"""An exported version, loaded and run."""
