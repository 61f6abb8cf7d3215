"""What params.yaml asks for: the whole tree, checked, and the graph that follows from it."""
