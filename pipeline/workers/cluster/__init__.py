"""Stages on a Ray cluster: Ray places and starts them, the driver alone knows DVC."""
