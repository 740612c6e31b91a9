/* Max-Forwards (RFC 9110 section 7.6.2): how many hops OPTIONS and TRACE may go on. */
#ifndef GW_ENDPOINTS_MAX_FORWARDS_H
#define GW_ENDPOINTS_MAX_FORWARDS_H

#include "exchange/exchange.h"

/* In on_request, for OPTIONS and TRACE. True: the request goes on, with one hop less if the field was there. False:
 * the gateway is its last recipient and has answered (200), or has refused a malformed field (400). */
bool gw__max_forwards_pass(struct gw_exchange *ex);

#endif
