"""`python -m monoglot`, for those who have not installed it."""

from monoglot.cli.main import main

main(prog_name="monoglot")
