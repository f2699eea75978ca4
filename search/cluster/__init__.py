"""Files that run the jobs of a search on Slurm and Kubernetes."""
