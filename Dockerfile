# Two images of one file: `api` has no torch in it, `worker` has. Needs no BuildKit.
#   CPU:   docker build --target worker --build-arg BASE=python:3.11-slim-bookworm .
#   CUDA:  docker build --target worker --build-arg BASE=nvidia/cuda:12.8.1-base-ubuntu24.04 .
# PyPI's torch brings its own CUDA libraries, so that the base needs none. With PyTorch's index of CPU wheels in PIP_ARGS
# (--extra-index-url https://download.pytorch.org/whl/cpu) the CPU image is some gigabytes smaller. docker/wheels is looked
# at first. EXTRAS=otel brings what traces need.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS base
# A base without Python gets its distribution's; versions there are the distribution's to fix.
# hadolint ignore=DL3008
RUN python3 -c 'import ensurepip' 2> /dev/null \
    || { apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv \
         && rm -rf /var/lib/apt/lists/*; }
# Where compose keeps secrets and models; a new volume takes the folder's owner from here.
RUN groupadd --gid 10001 h2serve \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin h2serve \
    && install --directory --owner 10001 --group 10001 /run/h2serve /run/h2serve-scrape /models
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/h2serve/bin:$PATH HF_HOME=/models
WORKDIR /app

FROM base AS api-packages
ARG PIP_ARGS=""
ARG EXTRAS=""
COPY pyproject.toml constraints.txt docker/requirements.py /build/
COPY docker/wheels /wheels
# PIP_ARGS is several words, EXTRAS may be none.
# hadolint ignore=SC2086
RUN python3 -m venv /opt/h2serve \
    && python3 /build/requirements.py api ${EXTRAS} > /build/requirements.txt \
    && /opt/h2serve/bin/python -m pip install --no-cache-dir --find-links /wheels ${PIP_ARGS} \
        --constraint /build/constraints.txt --requirement /build/requirements.txt
# What the packages know of us: name and version. The code is in /app.
COPY pyproject.toml README.md ./
# hadolint ignore=SC2086
RUN /opt/h2serve/bin/python -m pip install --no-cache-dir --find-links /wheels ${PIP_ARGS} --no-deps --editable .

# The same and torch.
FROM api-packages AS worker-packages
ARG PIP_ARGS=""
ARG EXTRAS=""
# hadolint ignore=SC2086
RUN python3 /build/requirements.py worker ${EXTRAS} > /build/requirements.txt \
    && /opt/h2serve/bin/python -m pip install --no-cache-dir --find-links /wheels ${PIP_ARGS} \
        --constraint /build/constraints.txt --requirement /build/requirements.txt

FROM base AS api
COPY --from=api-packages /opt/h2serve /opt/h2serve
COPY docker/entrypoint.sh docker/healthcheck.py docker/make_secrets.py docker/
COPY config config
COPY server server
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["/app/docker/entrypoint.sh"]
CMD ["api"]

FROM base AS worker
COPY --from=worker-packages /opt/h2serve /opt/h2serve
COPY docker/entrypoint.sh docker/healthcheck.py docker/
COPY config config
COPY nano/flux-nano nano/flux-nano
COPY h2cache h2cache
COPY server server
USER 10001:10001
EXPOSE 9100
ENTRYPOINT ["/app/docker/entrypoint.sh"]
CMD ["worker"]
