"""The embedded world: generated English-like text in which pretraining has something to teach.

Eight scenes (a wedding, a flood, a trial …) have some thirty words each. A document keeps to one
scene, so that predicting masked words means learning which words go together; the tasks ask for
scenes, or for what they have in common, in texts whose words a small training set shows too rarely
to be learned there. docs/world.md says why, task by task, and what was measured. The world makes a
first run possible anywhere and the tests real; it never stands in for results.

Six of the eight are the paper's kinds. The other two stand in for what GLUE has beside them:

- ``similarity``, a regression as STS-B: the scenes of two statements share up to three traits
  (good, indoors, near), and the label is 5/3 of their number, as text from "0.0" to "5.0".
- ``acceptability``, single sentences as in CoLA, two of three acceptable: in the others an
  adjective stands before no noun, which the grammar never makes.
"""

from pipeline.text.synthetic.documents import documents
from pipeline.text.synthetic.examples import KINDS, Kind, examples, label_names

__all__ = ["KINDS", "Kind", "documents", "examples", "label_names"]
