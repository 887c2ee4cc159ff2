"""What must hold of the services and sites of a branch of the operator."""
