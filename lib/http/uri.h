/* Request targets and paths (RFC 9112 section 3.2, RFC 3986). There is one normalised path: routing,
 * filters and upstream all see the same. */
#ifndef GW_HTTP_URI_H
#define GW_HTTP_URI_H

#include "base/arena.h"
#include "base/str.h"

/* Parts of a target; slices of it. path is "*" for OPTIONS *. authority is empty but in absolute form. */
struct gw__target {
    struct gw__str authority, path, query;
    bool has_query;
    bool plain; /* nothing in the path could need gw__path_normalise() */
};

/* False for what is no origin-, absolute- (http, https) or asterisk-form, or has bytes outside RFC 3986. Some of those
 * are allowed in the query, for browsers send them unencoded there: [ ] { } | \ ^ `, and a '%' without digits. Refused
 * are a fragment, user information in an authority, and in the path what gw__path_normalise() finds bad. The path of an
 * absolute form without one is "/". */
bool gw__target_split(struct gw__str target, struct gw__target *out);

/* Normalises: %XX of unreserved characters decoded, other %XX in upper case, dot segments removed (never
 * above the root; also where written with %2E). "%2F" and "%5C" stay encoded: they are part of a segment, not its
 * end. ';' and what follows it, and empty segments ("//"), stay. Bad are "%00", '%' without two digits, and bytes
 * outside RFC 3986, a backslash among them. "*" is normal. Returns the path itself when it is normal already (no copy),
 * data NULL if it is bad or out of memory. Normalising twice changes nothing. */
struct gw__str gw__path_normalise(struct gw__str path, struct gw__arena *arena);

/* Leaves one of several slashes in a row, in place; returns the new size. Before normalising, so that ".." takes a
 * segment off that is not empty. Writes nothing where there is nothing to leave out. */
size_t gw__path_merge_slashes(char *path, size_t size);

/* Decodes %XX of a slice into the arena, terminated; the slice's own text if there is nothing to
 * decode is copied too. A '%' without two digits stays. NULL when out of memory. */
char *gw__percent_decode(struct gw__str text, struct gw__arena *arena);

/* "host:port" of a Host field or authority: valid (RFC 9110 section 7.2; reg-name, IPv4, [IPv6], port of digits)? Names
 * of letters, digits and "-._~" only: the rest of RFC 3986's reg-name (sub-delims, %XX) is in no DNS name. A ':' needs
 * a port, up to 65535. */
bool gw__host_valid(struct gw__str host);

#endif
