"""Models for tasks: a checkpoint opened with a new head, and what its arithmetic costs."""
