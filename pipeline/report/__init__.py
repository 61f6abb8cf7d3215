"""Tables, figures and the page: made from the cells' results, never from models."""
