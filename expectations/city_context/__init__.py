"""What must hold of what the context brokers of cities answer."""
