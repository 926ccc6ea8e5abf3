# One image for every program of ours; compose.yaml names the command. It holds no PostgreSQL, no amqtt and no tests:
# the group `store` of pyproject.toml lists what it needs.
FROM python:3.13.14-slim
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY broker broker
COPY firmware_sim firmware_sim
COPY services services
COPY shared shared
RUN pip install --constraint constraints.txt --upgrade pip && pip install --constraint constraints.txt --group store \
    && pip install --no-deps . && useradd --system --no-create-home smartcart
USER smartcart
CMD ["smartcart", "--help"]
