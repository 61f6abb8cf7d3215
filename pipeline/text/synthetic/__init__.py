"""The embedded world: generated English-like text in which pretraining has something to teach.

A small closed lexicon of words that mean the same and words that mean the opposite makes statements
about who did what, and how well. In the documents connectives ("likewise", "however", "meanwhile")
say how a sentence stands to the one before, and a verdict sums a review up, so that predicting
masked words means learning the relations that the six tasks ask for. It makes a first run possible
anywhere and the tests real; it never stands in for results.
"""

from pipeline.text.synthetic.examples import KINDS, Kind, examples, label_names
from pipeline.text.synthetic.prose import documents

__all__ = ["KINDS", "Kind", "documents", "examples", "label_names"]
