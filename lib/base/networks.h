/* Networks: a set of IP networks, optionally with all Unix sockets. Immutable once filled, and reference
 * counted: tables and listeners of several threads share one. */
#ifndef GW_BASE_NETWORKS_H
#define GW_BASE_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An IPv6 address, or an IPv4 one as ::ffff:a.b.c.d. */
struct gw__ip {
    uint8_t bytes[16];
};

struct gw__networks;

/* Parses "192.0.2.1" or "2001:db8::1", without brackets or port. False if it is no address. */
bool gw__ip_parse(struct gw__ip *out, const char *text, size_t size);

/* An empty set with room for `capacity` networks; the caller holds one reference. NULL when out of memory. */
struct gw__networks *gw__networks_create(size_t capacity);
/* Adds "10.0.0.0/8", "2001:db8::/32", a single address or "unix"; bits behind the prefix are ignored. NULL, or a static
 * sentence that says what is wrong. */
const char *gw__networks_add(struct gw__networks *networks, const char *text);
/* Both take NULL. */
void gw__networks_hold(struct gw__networks *networks);
void gw__networks_release(struct gw__networks *networks);

bool gw__networks_have(const struct gw__networks *networks, const struct gw__ip *address);
bool gw__networks_have_unix(const struct gw__networks *networks);

#endif
