# Stands in for the official Prometheus image where no registry can be reached: Debian's prometheus, the same uid and folder.
ARG BASE
FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends prometheus \
    && rm -rf /var/lib/apt/lists/* && install --directory --owner 65534 --group 65534 /prometheus
CMD ["prometheus"]
