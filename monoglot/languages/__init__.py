"""Languages by their codes, and which of the known data sets have one."""
