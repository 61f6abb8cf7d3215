"""Models that others published: where they lie, and how they are fetched."""
