fn main() {
    volo_build::Builder::thrift().add_service("volo.thrift").write().unwrap();
}
