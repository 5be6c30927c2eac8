# Both programs in one small image. Not run where this was written: no container engine there.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --profile dist --locked -p bf-manage-core -p bf-depot-sim \
    && install -Dt /out target/dist/bf-manage-core target/dist/bf-depot-sim

FROM debian:bookworm-slim
# The certificates that providers and the token issuer are checked against.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home bf \
    && install -d -o bf -g bf -m 0700 /var/lib/bf-telematics
COPY --from=build /out/ /usr/local/bin/
USER 10001:10001
WORKDIR /var/lib/bf-telematics
ENV LISTEN=0.0.0.0:8080
EXPOSE 8080
# The shell itself asks: the image has no HTTP client. It follows LISTEN, as the program does.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/${LISTEN##*:} && printf 'GET /livez HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["bf-manage-core"]
CMD ["serve"]
