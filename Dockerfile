# A small image of llavero: `docker build -t llavero .`
#
# Cargo runs in the directory with .cargo/config.toml, so the SQLite flags in it take effect.

FROM rust:1.95-bookworm AS build
WORKDIR /src
# The toolchain of this image, without the components of rust-toolchain.toml.
ENV RUSTUP_TOOLCHAIN=1.95.0
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked \
    && install -D target/release/llavero /out/usr/local/bin/llavero \
    && mkdir /out/data

# glibc and nothing else: no shell, no package manager. The user `nonroot` has the id 65532.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/usr /usr
COPY --from=build --chown=65532:65532 /out/data /data
ENV LLAVERO_LISTEN=0.0.0.0:3001 \
    LLAVERO_DATABASE=/data/llavero.db
WORKDIR /data
VOLUME /data
EXPOSE 3001
HEALTHCHECK --interval=10s --timeout=6s --start-period=5s CMD ["llavero", "healthcheck"]
ENTRYPOINT ["llavero"]
CMD ["serve"]
