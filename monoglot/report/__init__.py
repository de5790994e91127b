"""The report of a run: one HTML page of all that it has made."""
