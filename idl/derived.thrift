// A service that extends one of another file.
namespace py derived
namespace go derived

include "types.thrift"

service DerivedSvc extends types.TypesSvc {
    types.Everything combine(1: types.Everything whole, 2: types.Scalars scalars, 3: types.Lists lists)
    list<string> notified()
}
