"""`monoglot shrink` and `trim`: one model, one language."""

from monoglot.cli.shrink import shrink as shrink
from monoglot.cli.trim import trim as trim
