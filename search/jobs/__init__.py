"""One training of a search: its spec, its folder, its result."""
