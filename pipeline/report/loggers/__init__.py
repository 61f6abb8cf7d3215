"""A study in other trackers: one series of points, and a writer for each tracker."""

# By name; each needs an extra of its own.
TRACKERS = ("tensorboard", "wandb", "mlflow")
