# The program and nothing else: no shell, no libraries.
FROM rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev gcc
WORKDIR /src
COPY . .
RUN cargo build --locked --release

FROM scratch
COPY --from=build /src/target/release/wipeproof /wipeproof
ENTRYPOINT ["/wipeproof"]
