"""The names that `monoglot` imports when they are used, for type checkers."""

from monoglot.api import Evaluation as Evaluation
from monoglot.api import adapt as adapt
from monoglot.api import distill as distill
from monoglot.api import evaluate_mlm as evaluate_mlm
from monoglot.api import parameters as parameters
from monoglot.api import prune_ffn as prune_ffn
from monoglot.api import reduce_hidden as reduce_hidden
from monoglot.api import select_layers as select_layers
from monoglot.api import trim_vocab as trim_vocab
from monoglot.errors import UserError as UserError
