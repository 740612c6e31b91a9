// The type that older generators do not know.
namespace py uuids
namespace go uuids

struct Tagged {
    1: uuid id
    2: optional list<uuid> others
    3: map<string, uuid> named
}

service UuidSvc {
    Tagged echo_tagged(1: Tagged value)
    uuid echo_uuid(1: uuid value)
}
