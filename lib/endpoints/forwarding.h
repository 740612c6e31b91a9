/* What a request that goes on says of its client and of the way it came. */
#ifndef GW_ENDPOINTS_FORWARDING_H
#define GW_ENDPOINTS_FORWARDING_H

#include "exchange/exchange.h"

/* Adds X-Forwarded-For, -Proto and -Host or Forwarded, as the listener says, Via, and Host where it is missing (an
 * HTTP/1.0 client may name none): then it is the service's name, or empty if no host can be called so. What is there
 * already comes from trusted proxies or filters: lists are continued, the rest stays. Out of memory shows in the
 * exchange's state. */
void gw__forwarding_add(struct gw_exchange *ex, const char *service);
/* Via with the version in which a head was received (RFC 9110 section 7.6.3). */
void gw__forwarding_add_via(struct gw_exchange *ex, struct gw__head *head);

#endif
