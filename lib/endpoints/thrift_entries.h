/* What a TTHeader says besides its message. */
#ifndef GW_ENDPOINTS_THRIFT_ENTRIES_H
#define GW_ENDPOINTS_THRIFT_ENTRIES_H

#include "endpoints/thrift.h"

/* The entries of an answer's header have come; rest: bytes that lie behind it already. RPC_BACKWARD_* become response
 * headers. A business error ends the call, whatever the payload is. True: go on with the message. */
bool gw__thrift_take_entries(struct gw__thrift_leg *leg, size_t rest);

#endif
