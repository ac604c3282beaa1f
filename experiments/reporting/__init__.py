"""The report: what `experiments.report` is made of."""
