"""From histories and records to figures: the numbers as CSV, and drawings of that CSV alone."""
