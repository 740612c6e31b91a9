/* What all endpoints that call instances of a service share. */
#ifndef GW_ENDPOINTS_UPSTREAM_H
#define GW_ENDPOINTS_UPSTREAM_H

#include "exchange/exchange.h"
#include "upstream/attempt.h"

/* An attempt is ready: from now on the exchange has an upstream, and its time runs. */
void gw__endpoint_note_upstream(struct gw_exchange *ex, const struct gw__attempt *attempt);
/* An attempt has failed: fails the exchange accordingly. */
enum gw_flow gw__endpoint_fail_attempt(struct gw_exchange *ex, const struct gw__attempt *attempt);
/* The instance for messages. */
const char *gw__endpoint_upstream(const struct gw_exchange *ex);

#endif
