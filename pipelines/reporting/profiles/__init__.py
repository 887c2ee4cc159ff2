"""Profiles of territories: one document for each region and city, in each of its languages."""
