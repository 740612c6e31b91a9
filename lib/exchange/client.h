/* Client: whose request it is, where proxies that are trusted stand between, and what of a request's word on that goes
 * further. */
#ifndef GW_EXCHANGE_CLIENT_H
#define GW_EXCHANGE_CLIENT_H

#include "exchange/exchange.h"

/* When the head has come. Where the peer is one of the listener's trusted proxies: takes the client's address, and
 * whether it speaks https, from what was forwarded: X-Forwarded-For and -Proto, or Forwarded if that alone is what the
 * listener writes. The address is the one that the farthest trusted proxy saw; what stands before that anyone could
 * have written. Then drops X-Forwarded-* and Forwarded, but of a trusted peer those that the listener writes on. */
void gw__client_identify(struct gw_exchange *ex);

#endif
