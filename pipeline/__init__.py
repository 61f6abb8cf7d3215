"""How pretraining changes what fine-tuning has to learn: the library behind the DVC stages."""

from pipeline.running.startup import begin

begin()
