# How a layer is filled; sam says where by ARTIFACTS_DIR. Each layer's Makefile says what is in it.
#
#   TUNEWRIGHT_BUILD_FOR  aws: wheels for Lambda, whatever machine this is (the default)
#                         host: wheels for $(PYTHON), which runs the functions in local mode
#   PYTHON                a Python with pip
#   PYTHON313             the Python that compiles for Lambda; looked for if it is not given

# Not where make was started, for sam starts it in a copy of the source.
HERE := $(dir $(abspath $(firstword $(MAKEFILE_LIST))))
PYTHON ?= python3
TUNEWRIGHT_BUILD_FOR ?= aws
PIP_INSTALL = $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-warn-conflicts \
	--only-binary=:all: --require-hashes --no-deps --no-compile --requirement $(HERE)requirements.txt \
	--target $(ARTIFACTS_DIR)/python
# Lambda runs Amazon Linux 2023, whose glibc is 2.34; pip does not know that newer tags hold older ones.
AWS_WHEELS := --platform manylinux2014_aarch64 --platform manylinux_2_28_aarch64 \
	--implementation cp --python-version 3.13

# A shim may be on PATH and point to nothing: only what answers has been found.
IS_313 := -c "import sys; sys.exit(sys.version_info[:2] != (3, 13))"
FIND_313 = for each in "$(PYTHON313)" python3.13 \
	"$$(pyenv prefix "$$(pyenv latest 3.13 2>/dev/null)" 2>/dev/null)/bin/python3.13"; do \
	if "$$each" $(IS_313) 2>/dev/null; then echo "$$each"; break; fi; done

# Lambda may not write beside the code, and file times mean nothing there: nobody checks, so the
# compiled file must never be wrong. It is made from the file that is shipped with it.
COMPILE := -m compileall -q -j 0 --invalidation-mode unchecked-hash

ifeq ($(TUNEWRIGHT_BUILD_FOR),host)
WHEELS :=
COMPILER = echo $(PYTHON)
else ifeq ($(TUNEWRIGHT_BUILD_FOR),aws)
WHEELS := $(AWS_WHEELS)
COMPILER = $(FIND_313)
else
$(error TUNEWRIGHT_BUILD_FOR is "$(TUNEWRIGHT_BUILD_FOR)"; it may be "aws" or "host")
endif

# Fills the layer: the libraries, then $(PACKAGE), then what is not needed there goes.
define fill
	@test -n "$(ARTIFACTS_DIR)" || (echo "ARTIFACTS_DIR must say where the layer goes" && exit 1)
	@rm -rf $(ARTIFACTS_DIR)/python && mkdir -p $(ARTIFACTS_DIR)/python
	@$(PIP_INSTALL) $(WHEELS)
	@cp -R $(HERE)$(PACKAGE) $(ARTIFACTS_DIR)/python/$(PACKAGE)
	@cd $(ARTIFACTS_DIR)/python && rm -rf bin $(NOT_NEEDED)
	@find $(ARTIFACTS_DIR)/python -name __pycache__ -type d -prune -exec rm -rf {} +
	@compiler="$$($(COMPILER))"; if [ -n "$$compiler" ]; \
		then (cd $(ARTIFACTS_DIR) && "$$compiler" $(COMPILE) python); \
		else echo "$(PACKAGE): no python3.13 was found, so the layer has no .pyc and starts slower" >&2; fi
endef
