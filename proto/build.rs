//! Generates the gRPC types from `src/rpc/*.proto`; needs `protoc` (see `make deps`).

fn main() -> std::io::Result<()> {
    tonic_prost_build::configure()
        .compile_protos(&["src/rpc/control.proto", "src/rpc/tablet.proto"], &["src/rpc"])
}
