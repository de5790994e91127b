"""`python -m monoglot`, for those who have not installed it."""

from monoglot.cli import main

main(prog_name="monoglot")
