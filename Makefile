# Everything a person or CI does here. Needs a POSIX shell, make, and a Python from 3.11 to 3.14 with pip.
#
# Settings, all optional:  PORT=4566  SANDBOX_PORT=9000  LINKEDIN_URL=http://...  IAM=no  PYTHON=python3.12

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
.PHONY: help setup run up down status logs test check scan format bench build deploy openapi sbom lock clean

USABLE := import sys, importlib.util as u; sys.exit(not (3, 11) <= sys.version_info < (3, 15) or not u.find_spec("pip"))
ifndef PYTHON
PYTHON := $(shell for p in python3.13 python3.14 python3.12 python3.11 python3; do \
	"$$p" -c '$(USABLE)' 2>/dev/null && { echo "$$p"; break; }; done)
endif

PY := .venv/bin/python
LOCAL := $(PY) -m local
PYTEST := $(PY) -m pytest
SAM := .local/tools/sam/bin/sam

# Passed on to `python -m local`, which reads them as its defaults.
export PORT SANDBOX_PORT LINKEDIN_URL IAM RUNTIME ARCHITECTURE
export SAM_CLI_TELEMETRY := 0

help: ## Show this help
	@echo "Coursebridge. Needs a Python from 3.11 to 3.14 with pip; the rest is installed into this folder."
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo
	@echo "  Settings: PORT=4566 SANDBOX_PORT=9000 LINKEDIN_URL=http://... IAM=no PYTHON=python3.12"

setup: ## Make or refresh the virtual environments
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python from 3.11 to 3.14 (what AWS Lambda runs) with pip was found."; \
		echo "Install one (for instance: apt install python3 python3-pip, or brew install python@3.13)"; \
		echo "or name it: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python3.13"; \
		exit 1; fi
	@"$(PYTHON)" local/environments.py

run: setup ## Start everything, play the main job end to end, keep running until Ctrl-C
	@$(LOCAL) run

up: setup ## Start the same stack in the background
	@$(LOCAL) up

down: ## Stop it; nothing is left running
	@if [ -x $(PY) ]; then $(LOCAL) down; else echo "Nothing is running: make setup was never run here."; fi

status: setup ## Show what runs, and where
	@$(LOCAL) status

logs: setup ## Show what the functions logged
	@$(LOCAL) logs

test: setup ## Run every test: unit, packaging, end to end
	@$(LOCAL) test

check: setup ## Lint, types, template, known vulnerabilities, unit tests
	@$(LOCAL) check

scan: setup ## Scan the template for what is set insecurely (installs checkov the first time)
	@"$(PYTHON)" local/environments.py checkov
	@.local/tools/checkov/bin/python .local/tools/checkov/bin/checkov --config-file .checkov.yaml

format: setup ## Format the code
	@$(PY) -m ruff format --quiet . && $(PY) -m ruff check --quiet --fix .

bench: setup ## Measure what docs and design promise
	@$(PYTEST) -m bench -o addopts= --import-mode=importlib -p no:cacheprovider -q benchmarks

build: setup ## Build the artefacts for AWS (RUNTIME=python3.13 ARCHITECTURE=arm64)
	@$(LOCAL) build

deploy: setup ## Build and deploy to your AWS account (RUNTIME=python3.13 ARCHITECTURE=arm64)
	@$(LOCAL) deploy

openapi: setup ## Make the OpenAPI document and its page anew
	@PYTHONPATH=$$(echo functions/* | tr ' ' ':') $(PY) -m local.openapi

sbom: setup ## Write the software bill of materials of what ships (dist/sbom.json)
	@$(PY) -m tools.sbom

lock: setup ## Renew the locked requirements
	@$(PY) -m local lock

clean: down ## Remove everything that was made here
	rm -rf .aws-sam .local .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
