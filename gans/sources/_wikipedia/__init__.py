"""How a settlement is read from its article on Wikipedia."""
