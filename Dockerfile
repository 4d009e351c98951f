# The program in a small image: docker build -t paydirt . && docker run --rm paydirt mine --text 100 --hex-zeros 4
# Untested: where this was written no container could be run. What it does step by step is what scripts/package.sh does.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p paydirt-cli && strip target/release/paydirt

FROM debian:bookworm-slim
COPY --from=build /src/target/release/paydirt /usr/local/bin/paydirt
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/paydirt/
# A node's ledger is kept in /var/lib/paydirt: mount a volume there, and let others in with `serve --host 0.0.0.0`.
ENV XDG_DATA_HOME=/var/lib
RUN mkdir /var/lib/paydirt && chown 10001:10001 /var/lib/paydirt
USER 10001:10001
VOLUME /var/lib/paydirt
EXPOSE 5000
ENTRYPOINT ["paydirt"]
CMD ["--help"]
