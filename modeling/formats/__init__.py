"""Our JSON files: read strictly, brought up from every older version, checked against a dataclass."""
