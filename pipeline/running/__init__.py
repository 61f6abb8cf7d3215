"""What a command owes the machine: its signals, its parent, its lock and its last words."""
