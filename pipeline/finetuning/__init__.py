"""A cell, one model on one task, and its full fine-tuning."""
