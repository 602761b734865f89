# One image for the operator, every component, and the brokers that a managed engine runs.
#
#   docker build -t touchline .          (podman build, buildah bud; or `make image`)
#
# BASE_IMAGE is any Debian-like image with Python 3.11 or newer and its venv module: with another one it builds without a
# registry. BUILD_IMAGE, where venv comes from another image than the one to run on, has the same Python at the same path; the base
# needs nothing but Python then. PIP_OPTIONS goes to pip, for whoever brings the wheels (`--no-index --find-links=/wheels`).
# The image runs as a user without a name and with a read-only root file system; what writes, writes to a volume at /tmp.

ARG BASE_IMAGE=python:3.11-slim-bookworm
ARG BUILD_IMAGE=${BASE_IMAGE}

FROM ${BUILD_IMAGE} AS build
ARG PIP_OPTIONS=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
RUN python3 -m venv /opt/touchline
COPY requirements-image.lock ./
# Bytecode is written now, since nobody can later.
RUN /opt/touchline/bin/python -m pip install --quiet --no-compile ${PIP_OPTIONS} --require-hashes -r requirements-image.lock \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/touchline/lib/python3*/site-packages
# Some wheels bring what only a debugger reads, 27 MB in all. Where strip can neither be found nor be had, it stays.
RUN command -v strip >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends binutils; } >/dev/null; \
    if command -v strip >/dev/null; then \
        find /opt/touchline -name '*.so*' -type f -exec strip --strip-unneeded {} +; \
    else \
        echo "no strip here: the image keeps debugging symbols" >&2; \
    fi
COPY pyproject.toml README.md ./
COPY components components
COPY operator operator
COPY examples/replay examples/replay
# Without the tools that only built it.
RUN /opt/touchline/bin/python -m pip install --quiet --no-compile ${PIP_OPTIONS} --no-deps --no-build-isolation . \
    && /opt/touchline/bin/python -m pip uninstall --quiet --yes hatchling trove-classifiers pathspec pluggy setuptools pip \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/touchline/lib/python3*/site-packages/touchline*

FROM ${BASE_IMAGE}
COPY --from=build /opt/touchline /opt/touchline
ENV PATH=/opt/touchline/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 65532:65532
ENTRYPOINT ["touchline"]
CMD ["--help"]
