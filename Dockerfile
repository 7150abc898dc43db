# syntax=docker/dockerfile:1
# The service without the bundled Postgres programs: it is meant to stand beside a Postgres of its own (docker-compose.yml).

FROM rust:1.95.0-slim-trixie AS build
WORKDIR /build
# Overrides rust-toolchain.toml, whose clippy and rustfmt a release build doesn't need.
ENV RUSTUP_TOOLCHAIN=1.95.0
COPY . .
# The caches stay on the building machine; the layer holds the binary only.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/build/target,sharing=locked \
    cargo build --release --locked --no-default-features --bin rejoinder \
    && install -D -m 0755 target/release/rejoinder /out/rejoinder

FROM debian:trixie-slim
# Certificates are for TLS to a database elsewhere.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 rejoinder \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin rejoinder \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/rejoinder
COPY --from=build /out/rejoinder /usr/local/bin/rejoinder
USER 10001:10001
WORKDIR /var/lib/rejoinder
ENV REJOINDER_LISTEN=0.0.0.0:8080 \
    REJOINDER_DATA_DIR=/var/lib/rejoinder \
    REJOINDER_LOG_FORMAT=json
VOLUME /var/lib/rejoinder
EXPOSE 8080
# Shutting down takes up to 25 s: give `docker stop` 30 (docker-compose.yml does).
STOPSIGNAL SIGTERM
# bash asks for itself, so that neither curl nor a command of the service is needed for it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [[ $status == 200 ]]"]
ENTRYPOINT ["/usr/local/bin/rejoinder"]
CMD ["serve"]
