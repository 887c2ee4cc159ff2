"""What must hold of requests by Open311."""
