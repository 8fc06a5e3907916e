# One image for every service: `docker build -t antirelou .`; which one runs is the command.
# For a build that never changes, name the base by its digest: --build-arg BASE=python@sha256:…
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/antirelou
COPY requirements-image.lock .
RUN /opt/antirelou/bin/pip install --quiet --require-hashes --only-binary :all: -r requirements-image.lock
COPY . /src
# What `antirelou_build_info` shows: --build-arg COMMIT="$(git rev-parse HEAD)"
ARG COMMIT=
RUN printf %s "$COMMIT" > /src/antirelou/commit.txt
# The library's maps and names of places are its bulk, and nothing here asks for them.
RUN /opt/antirelou/bin/pip install --quiet --no-deps 'setuptools>=77' \
 && /opt/antirelou/bin/pip install --quiet --no-deps --no-build-isolation /src \
 && /opt/antirelou/bin/pip uninstall --quiet --yes setuptools pip \
 && rm -rf /opt/antirelou/lib/python3*/site-packages/phonenumbers/geodata \
      /opt/antirelou/lib/python3*/site-packages/phonenumbers/tzdata \
      /opt/antirelou/lib/python3*/site-packages/phonenumbers/carrierdata \
 && /opt/antirelou/bin/python -m compileall -q -j 0 /opt/antirelou/lib

FROM ${BASE}
LABEL org.opencontainers.image.title="antirelou" \
      org.opencontainers.image.description="The anti-harassment number that stays up under a flood" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 antirelou \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin antirelou
COPY --from=build /opt/antirelou /opt/antirelou
ENV PATH=/opt/antirelou/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ANTIRELOU_LISTEN=0.0.0.0:8080 \
    ANTIRELOU_OPS_LISTEN=0.0.0.0:9100 \
    ANTIRELOU_CONSOLE_LISTEN=0.0.0.0:9200 \
    ANTIRELOU_DATA_DIR=/tmp/antirelou
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080 9100
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9100/readyz', timeout=4)"]
ENTRYPOINT ["antirelou"]
CMD ["serve"]
