# One image for every program of ours; compose.yaml names the command.
FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY pyproject.toml constraints.txt README.md ./
COPY broker broker
COPY firmware_sim firmware_sim
COPY services services
COPY shared shared
# extremitypathfinder apart: its metadata forbids numpy 2, with which it works.
RUN pip install --constraint constraints.txt . && pip install --no-deps extremitypathfinder==2.7.2 \
    && useradd --system --no-create-home smartcart
USER smartcart
CMD ["smartcart", "--help"]
