"""Three invented, related languages with labelled data, for trying everything without a download.

`generate` writes raw text and task data in the published formats. Nothing of it is taken from a
real language: words are drawn from a random proto-lexicon, changed by regular sound laws, inflected
and put in each language's word order.
"""

from monoglot.data.invented.generate import Sizes, generate
from monoglot.data.invented.languages import LANGUAGES

__all__ = ["LANGUAGES", "Sizes", "generate"]
