# make repro   the whole study on the parameters in params.yaml
# make test    lint, types, import directions and the tests
# make attack  kills, changed parameters, table files and damaged outputs, and what held
# make fairseq the environment that `pretrain.backend: fairseq` trains in, beside the main one
PYTHON ?= python3
FAIRSEQ ?= .venv-fairseq
BIN := .venv/bin
# pip would compile all that it installs, most of which nothing imports. What is imported is compiled and
# kept here, so that no stage does it, not even where PYTHONDONTWRITEBYTECODE is set.
IMPORTED := dvc.cli.parser, pandas, pyarrow.parquet, scipy.stats, seaborn, torch._dynamo, \
  transformers.models.roberta.modeling_roberta
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
RESOLVE = $(RUN) uv pip compile pyproject.toml --universal --python-version 3.10 \
  --constraint requirements/constraints.txt --no-annotate --no-header --quiet
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"

.PHONY: repro test lint attack attack-kills attack-others fairseq lock clean

# Several stages at a time; DVC itself has the last word, and finds nothing to do.
repro: $(BIN)/.installed
	$(RUN) python -m pipeline repro
	$(RUN) dvc repro

test: lint
	$(RUN) pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(BIN)/.developed
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) lint-imports

# Each prints a table for benchmarks/RESULTS.md. The kills take as long as all others, so both run at a time.
attack: $(BIN)/.developed
	$(MAKE) --jobs 2 --output-sync attack-kills attack-others

attack-kills: $(BIN)/.developed
	$(RUN) python -m benchmarks.attack kills --count 200

attack-others: $(BIN)/.developed
	$(RUN) python -m benchmarks.attack tables --count 2000
	$(RUN) python -m benchmarks.attack params --count 8000
	$(RUN) python -m benchmarks.attack mutants --count 1500
	$(RUN) python -m benchmarks.attack damage --count 150

# What the study imports, and what the tests and the tools of development need beside it.
$(BIN)/.installed: requirements/lock.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) -r requirements/lock.txt
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -c "import $(IMPORTED)"
	touch $@

$(BIN)/.developed: $(BIN)/.installed requirements/dev.txt
	$(INSTALL) -r requirements/dev.txt
	touch $@

fairseq: $(FAIRSEQ)/.installed

# fairseq is built from source (g++ and Python's headers), with the same pins for what builds it.
$(FAIRSEQ)/.installed: requirements/fairseq.txt
	test -x $(FAIRSEQ)/bin/python || $(PYTHON) -m venv $(FAIRSEQ)
	$(FAIRSEQ)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements/fairseq.txt
	PIP_CONSTRAINT=requirements/fairseq.txt PIP_BUILD_CONSTRAINT=requirements/fairseq.txt \
	  $(FAIRSEQ)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps fairseq==0.12.2
	PYTHONDONTWRITEBYTECODE= $(FAIRSEQ)/bin/python pipeline/backends/fairseq/launcher.py train --help > /dev/null
	touch $@

# For maintainers: pins everything but CUDA's own packages, which torch's GPU build pins itself. Pins
# that still fit stay; `make lock UPGRADE=--upgrade` takes the newest.
lock: $(BIN)/.developed
	$(RUN) python -m pip install --quiet uv
	cat requirements/lock.txt requirements/dev.txt | grep -v '^-r' > requirements/resolved.txt
	$(RESOLVE) --extra dev $(UPGRADE) --output-file requirements/resolved.txt
	$(RESOLVE) --constraint requirements/resolved.txt --output-file requirements/needed.txt
	grep -vE '^(nvidia-|cuda-|triton)' requirements/needed.txt > requirements/lock.txt
	(echo '-r lock.txt'; grep -vE '^(nvidia-|cuda-)' requirements/resolved.txt | grep -vxFf requirements/lock.txt) \
	  > requirements/dev.txt
	rm requirements/resolved.txt requirements/needed.txt

clean:
	rm -rf .venv $(FAIRSEQ)
