# Stands in for the official Redis image where no registry can be reached: Debian's redis-server, the same uid and folder.
ARG BASE
FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/* && install --directory --owner 999 --group 999 /data
CMD ["redis-server"]
