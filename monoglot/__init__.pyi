"""The names that `monoglot` imports when they are used, for type checkers."""

from monoglot.api.measures import Evaluation as Evaluation
from monoglot.api.measures import evaluate_mlm as evaluate_mlm
from monoglot.api.measures import parameters as parameters
from monoglot.api.smaller import prune_ffn as prune_ffn
from monoglot.api.smaller import reduce_hidden as reduce_hidden
from monoglot.api.smaller import select_layers as select_layers
from monoglot.api.smaller import trim_vocab as trim_vocab
from monoglot.api.training import adapt as adapt
from monoglot.api.training import distill as distill
from monoglot.errors import UserError as UserError
