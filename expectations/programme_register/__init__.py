"""What must hold of the register of the programme."""
