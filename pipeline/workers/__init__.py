"""``dvc repro`` on several workers: one driver alone talks to DVC, workers only run commands."""
