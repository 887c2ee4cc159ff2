"""What must hold of the answers of Belstat's data portal."""
