"""What must hold of the requests of the portal 115.бел."""
