"""Sub-commands of ``gorod``, a module each."""
