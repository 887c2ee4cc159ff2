"""What must hold of what the sensors of a city observe."""
