"""Run a command on GPUs that no other job of this user has, waiting for them if need be.

Where there is no GPU the command just runs. `--gpus 0` runs it without one.
"""

import argparse
import os

from monoglot import script
from monoglot.errors import UserError
from monoglot.gpus import WHOLE, visible
from monoglot.provenance import SHARE


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument("--gpus", type=int, default=1, help="how many")
    parser.add_argument("--share", type=int, default=WHOLE, help="per cent, of all together")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run")
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("give a command to run")
    if visible():
        from monoglot.gpus import claim  # half of what this script costs

        count = arguments.gpus
        share = arguments.share // max(1, count)
        names = claim(count, share) if count else []
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(names)
        os.environ[SHARE] = str(share)
    try:
        os.execvp(arguments.command[0], arguments.command)
    except OSError as error:
        raise UserError(f"{arguments.command[0]}: {error.strerror}") from None


if __name__ == "__main__":
    script.run(main)
