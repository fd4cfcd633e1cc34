# The site's one image: every part written in Python runs from it, and the command line.
#
# Behind a company's proxy, two files in docker/proxy that git ignores are used while building (see the README there), and are in no
# layer of the image that comes out. No secret mount, so that every builder can do it.

ARG PYTHON_IMAGE=python:3.11.15-slim-bookworm

FROM ${PYTHON_IMAGE} AS build

WORKDIR /build
COPY requirements.lock docker/proxy/ proxy/

RUN if [ -f proxy/ca.crt ]; then export PIP_CERT=/build/proxy/ca.crt; fi; \
    if [ -f proxy/pip.conf ]; then export PIP_CONFIG_FILE=/build/proxy/pip.conf; fi; \
    python -m venv /opt/failwhale \
    && /opt/failwhale/bin/pip install --no-cache-dir --no-compile --disable-pip-version-check --only-binary :all: \
        --require-hashes --requirement proxy/requirements.lock \
    && /opt/failwhale/bin/pip --disable-pip-version-check uninstall --quiet --yes pip setuptools \
    && find /opt/failwhale/lib -type d -name tests -prune -exec rm -r {} + \
    && rm -r /opt/failwhale/include

# The sources lie beside the libraries, found by a line in a .pth file: no build, and nothing fetched that is not locked.
COPY docker-compose.yml /opt/failwhale/site/
COPY services /opt/failwhale/site/services
COPY foundation /opt/failwhale/site/foundation
COPY testbed /opt/failwhale/site/testbed
COPY chaos /opt/failwhale/site/chaos
COPY operations /opt/failwhale/site/operations
COPY outages /opt/failwhale/site/outages
COPY loadtests /opt/failwhale/site/loadtests
COPY driver /opt/failwhale/site/driver
COPY drills /opt/failwhale/site/drills
COPY incidents /opt/failwhale/site/incidents
COPY failwhale /opt/failwhale/site/failwhale

# Compiled by content and not by time, so that the same sources give the same files. A start without it takes three
# times as long, and a read-only file system would never make up for it. A library may carry a template that is no
# Python; our own sources may not.
WORKDIR /opt/failwhale
RUN echo /opt/failwhale/site > "$(bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/failwhale.pth" \
    && printf '#!/bin/sh\nexec /opt/failwhale/bin/python -m failwhale "$@"\n' > bin/failwhale \
    && chmod 755 bin/failwhale \
    && find . -name __pycache__ -prune -exec rm -rf {} + \
    && { bin/python -m compileall -q --invalidation-mode unchecked-hash lib || true; } \
    && bin/python -m compileall -q --invalidation-mode unchecked-hash site


FROM ${PYTHON_IMAGE}

# A fixed number, so that volumes keep their owner from one image to the next. A new volume takes over the owner of the
# folder that it covers, therefore these exist.
RUN groupadd --gid 10001 failwhale \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin failwhale \
    && for part in prober prometheus alertmanager $(for kind in frontend auth post retweet timeline notify maintenance link; do echo "$kind-east $kind-west"; done); \
        do set -- "$@" "/pki/$part"; done \
    && install -d -o 10001 -g 10001 -m 0750 "$@" /pki /secrets /access /operators /instruments /maintenance /record \
        /releases /state /metrics /rules /silences /state/pki /state/secrets /state/operators /state/record /state/releases \
        /state/chaos /state/volumes /state/volumes/rules

COPY --from=build /opt/failwhale /opt/failwhale

ENV PATH=/opt/failwhale/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/failwhale/site
USER 10001:10001
CMD ["failwhale", "--help"]
