# The commands of this project. PYTHON chooses the interpreter; BENCH hands options to a benchmark:
#   make bench-pairs BENCH="--compressors gzip zstd:3 --repeats 5"
PYTHON ?= python
BENCH ?=

.PHONY: help install test exhaustive lint docs bench-pairs bench-exact bench-context bench-alphabets bench-classification bench-few-labels bench-calibration bench-training bench-settings bench-prefilter bench-segmentation bench-onecut bench-drift bench-verification bench-report-experiment bench-sequences bench-tcpd bench-stream-peers bench-stream-guarantee bench-stream-speed bench-stream-keys bench-nab bench-similarity bench-field-segmentation bench-stream-embeddings bench-clustering bench-samples-speed bench-word-changes bench-report bench-cuda ci

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST)

install: ## install with everything that development needs, editable
	$(PYTHON) -m pip install -e ".[dev]"

test: ## run the tests and doctests
	$(PYTHON) -m pytest

exhaustive: ## the long proof that the deflate kernel is exact, about half an hour
	$(PYTHON) -m pytest -m exhaustive

lint: ## check style and types
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

docs: ## build the documentation into docs/_build/html, warnings are errors
	$(PYTHON) -m sphinx -W --keep-going -b html docs docs/_build/html

bench-pairs: ## pairs of texts a second, about 30 minutes (see bench/README.md)
	$(PYTHON) -m bench.pairs $(BENCH)

bench-exact: ## the exact deflate kernel against gzip, about 20 minutes (see bench/README.md)
	$(PYTHON) -m bench.exact $(BENCH)

bench-context: ## bits per byte and speed of the context models, about 3 minutes (see bench/README.md)
	$(PYTHON) -m bench.context $(BENCH)

bench-alphabets: ## bits per byte of context models over words and tokens, about 3 minutes (see bench/README.md)
	$(PYTHON) -m bench.alphabets $(BENCH)

bench-classification: ## accuracy, time and size of classifiers, about five hours (see bench/README.md)
	$(PYTHON) -m bench.classification $(BENCH)

bench-few-labels: ## accuracy with 1 to 100 labelled texts a class, about two hours (see bench/README.md)
	$(PYTHON) -m bench.few_labels $(BENCH)

bench-calibration: ## are probabilities to be believed, about 15 minutes (see bench/README.md)
	$(PYTHON) -m bench.calibration $(BENCH)

bench-training: ## speed and memory of our classifiers, and their rows of bench-classification, on a quiet machine
	$(PYTHON) -m bench.training $(BENCH)
	$(PYTHON) -m bench.classification --ours

bench-settings: ## what the settings of our classifiers do, inside the training parts, about 30 minutes (see bench/README.md)
	$(PYTHON) -m bench.settings $(BENCH)

bench-prefilter: ## nearest neighbours among candidates, about 20 minutes (see bench/README.md)
	$(PYTHON) -m bench.prefilter $(BENCH)

bench-segmentation: ## texts in segments, against C99, U00 and saying nothing, about 30 minutes (see bench/README.md)
	$(PYTHON) -m bench.segmentation $(BENCH)

bench-onecut: ## one cut in a short text, about 2 minutes (see bench/README.md)
	$(PYTHON) -m bench.onecut $(BENCH)

bench-drift: ## is there a change at all, about 25 minutes (see bench/README.md)
	$(PYTHON) -m bench.drift $(BENCH)

bench-verification: ## what verify says of true and false places, about 5 minutes (see bench/README.md)
	$(PYTHON) -m bench.verification $(BENCH)

bench-report-experiment: ## the report's recipe beside chance, about 3 minutes (see bench/README.md)
	$(PYTHON) -m bench.report_experiment $(BENCH)

bench-sequences: ## changepoints of sequences of numbers, about 15 minutes (see bench/README.md)
	$(PYTHON) -m bench.sequences $(BENCH)

bench-tcpd: ## the series of the Turing Change Point Dataset, 10 seconds (see bench/README.md)
	$(PYTHON) -m bench.tcpd $(BENCH)

bench-stream-peers: ## detectors of streams beside each other, 40 minutes (see bench/README.md)
	$(PYTHON) -m bench.stream_peers $(BENCH)

bench-stream-guarantee: ## whether bounds on false alarms hold, 30 minutes (see bench/README.md)
	$(PYTHON) -m bench.stream_guarantee $(BENCH)

bench-stream-speed: ## speed and memory of streams, 15 minutes (see bench/README.md)
	$(PYTHON) -m bench.stream_speed $(BENCH)

bench-stream-keys: ## 10,000 detectors by key, 5 minutes (see bench/README.md)
	$(PYTHON) -m bench.stream_keys $(BENCH)

bench-nab: ## detectors of numbers on the Numenta series, 10 minutes (see bench/README.md)
	$(PYTHON) -m bench.nab $(BENCH)

bench-similarity: ## likeness of sentences against human scores, 10 minutes (see bench/README.md)
	$(PYTHON) -m bench.similarity $(BENCH)

bench-field-segmentation: ## segments by code lengths and by embeddings, 40 minutes (see bench/README.md)
	$(PYTHON) -m bench.field_segmentation $(BENCH)

bench-stream-embeddings: ## streams under an embedder, 10 minutes (see bench/README.md)
	$(PYTHON) -m bench.stream_embeddings $(BENCH)

bench-clustering: ## clusters of texts by code lengths and by embeddings, 20 minutes (see bench/README.md)
	$(PYTHON) -m bench.clustering $(BENCH)

bench-samples-speed: ## distances between samples, time, memory and error, 10 minutes (see bench/README.md)
	$(PYTHON) -m bench.samples_speed $(BENCH)

bench-word-changes: ## one change of topic from word vectors, 10 minutes (see bench/README.md)
	$(PYTHON) -m bench.word_changes $(BENCH)

bench-report: ## every figure of the report, about an hour (see bench/README.md)
	$(PYTHON) -m bench.report.reduction
	$(PYTHON) -m bench.report.clustering
	$(PYTHON) -m bench.report.word_clustering
	$(PYTHON) -m bench.report.topics

bench-cuda: ## the exact kernel on an NVIDIA card, about 8 minutes (see bench/README.md)
	$(PYTHON) -m bench.cuda $(BENCH)

ci: ## what continuous integration runs
	.ci/run
