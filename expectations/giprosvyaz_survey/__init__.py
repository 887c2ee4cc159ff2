"""What must hold of the answers to the questionnaire on digital development."""
