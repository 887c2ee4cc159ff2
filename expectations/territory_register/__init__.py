"""What must hold of the register of territories."""
