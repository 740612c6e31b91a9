// A service that adds two numbers; a sum beyond 64 bits is an error of the call.
namespace py sum

struct SumReq {
    1: i64 firstNum
    2: i64 secondNum
}

struct SumResp {
    1: i64 sum
}

service SumSvc {
    SumResp SumMethod(1: SumReq req)
}
