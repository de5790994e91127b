"""Reading the raw data: one module for each kind of format, sources for where the files lie,
store for what is written into the results folder."""
