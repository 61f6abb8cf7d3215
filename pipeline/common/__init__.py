"""What everything stands on: seeds, strict configuration, files that are whole or absent."""
