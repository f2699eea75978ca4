"""The paper's tables on one encoder: which trainings they need, what these reached, and the page."""
