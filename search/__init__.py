"""Which L and which l: jobs, and the choice among what they trained."""
