"""Several studies beside each other: their cells, their parameters, their code and data."""
