// What the Volo server serves: all of DerivedSvc, and what only TTHeader carries.
namespace rs volo

include "derived.thrift"

service VoloSvc extends derived.DerivedSvc {
    /** What the server knows of the call besides its arguments. */
    map<string, string> about(),
    /** Ends in a business error. */
    void refuse(1: i32 status, 2: string message, 3: map<string, string> extra)
}
