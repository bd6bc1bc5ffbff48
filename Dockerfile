# Stage 1: everything that runs, in one virtual environment.
FROM python:3.11-slim AS build
COPY requirements.lock /build/
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
    -r /build/requirements.lock

# Stage 2: that, the code, and nobody with rights.
FROM python:3.11-slim
# Fonts of all scripts, for chats as PDF: docs/exports.md.
RUN apt-get update && apt-get install -y --no-install-recommends fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home parley && install -d -o parley /data
COPY --from=build /venv /venv
COPY . /app
WORKDIR /app
USER parley
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PARLEY_DATA=/data HOST=0.0.0.0 PORT=8000
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD \
    ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
# Stopping takes CHAT_DRAIN_S and 5 seconds: give it that long (docker stop --time 20).
CMD ["sh", "-c", "python manage.py quickstart && exec python manage.py serve"]
