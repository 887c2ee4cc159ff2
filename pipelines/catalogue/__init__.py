"""The declarations of ``assets/`` as tables of schema ``catalogue``, which the models read. A module for each subject."""
