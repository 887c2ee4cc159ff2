"""What must hold of the lists of an operator's NetBox."""
