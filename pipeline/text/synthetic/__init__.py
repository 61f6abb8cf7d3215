"""The embedded world: generated English-like text in which pretraining has something to teach.

A small closed lexicon of words that mean the same and words that mean the opposite makes statements
about who did what, and how well. In the documents connectives ("likewise", "however", "meanwhile")
say how a sentence stands to the one before, and a verdict sums a review up, so that predicting
masked words means learning the relations that the tasks ask for. It makes a first run possible
anywhere and the tests real; it never stands in for results.

Six of the eight tasks have balanced classes. The other two stand in for what GLUE has beside them:

- ``similarity``, a regression as STS-B: two statements may share who did it, what was done and how
  it went, and the label is 5/3 of the number of these that they share, as text from "0.0" to "5.0".
- ``acceptability``, single sentences as in CoLA, two of three acceptable: the others have adjective
  and noun swapped, the deed after the adjective, or no deed, none of which the grammar ever makes.
"""

from pipeline.text.synthetic.examples import KINDS, Kind, examples, label_names
from pipeline.text.synthetic.prose import documents

__all__ = ["KINDS", "Kind", "documents", "examples", "label_names"]
