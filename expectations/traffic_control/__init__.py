"""What must hold of traffic control centres."""
