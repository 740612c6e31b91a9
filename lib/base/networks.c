/* An array that is searched from the front: configs name a few networks, or the few hundred of a CDN. */
#include "base/networks.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>

struct network {
    struct gw__ip address;
    unsigned bits;
};

struct gw__networks {
    atomic_uint references;
    bool unix_sockets;
    size_t count;
    struct network items[];
};

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const struct gw__ip *address)
{
    return memcmp(address->bytes, mapped, sizeof mapped) == 0;
}

bool gw__ip_parse(struct gw__ip *out, const char *text, size_t size)
{
    char copy[INET6_ADDRSTRLEN];
    if (size == 0 || size >= sizeof copy || memchr(text, '\0', size))
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    memcpy(out->bytes, mapped, sizeof mapped);
    return inet_pton(AF_INET, copy, out->bytes + 12) == 1 || inet_pton(AF_INET6, copy, out->bytes) == 1;
}

struct gw__networks *gw__networks_create(size_t capacity)
{
    struct gw__networks *networks = gw__calloc(1, sizeof *networks + capacity * sizeof networks->items[0]);
    if (networks)
        atomic_init(&networks->references, 1);
    return networks;
}

/* A decimal number up to `most`; -1 if it is none. */
static int parse_bits(const char *text, int most)
{
    int bits = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        bits = bits * 10 + (*text - '0');
        if (bits > most)
            return -1;
    }
    return bits;
}

const char *gw__networks_add(struct gw__networks *networks, const char *text)
{
    if (strcmp(text, "unix") == 0) {
        networks->unix_sockets = true;
        return NULL;
    }
    const char *slash = strchr(text, '/');
    struct network network;
    if (!gw__ip_parse(&network.address, text, slash ? (size_t)(slash - text) : strlen(text)))
        return "that is no IP address";
    int most = strchr(text, ':') ? 128 : 32;
    int bits = slash ? parse_bits(slash + 1, most) : most;
    if (bits < 0)
        return most == 32 ? "the prefix is not a number from 0 to 32" : "the prefix is not a number from 0 to 128";
    network.bits = (unsigned)(bits + 128 - most);
    networks->items[networks->count++] = network;
    return NULL;
}

void gw__networks_hold(struct gw__networks *networks)
{
    if (networks)
        atomic_fetch_add_explicit(&networks->references, 1, memory_order_relaxed);
}

void gw__networks_release(struct gw__networks *networks)
{
    if (networks && atomic_fetch_sub(&networks->references, 1) == 1)
        gw__free(networks);
}

static bool covers(const struct network *network, const struct gw__ip *address)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    const uint8_t *a = network->address.bytes, *b = address->bytes;
    if (network->bits < 96 && is_v4(address)) /* ::/0 and the like are of IPv6 alone */
        return false;
    return memcmp(a, b, whole) == 0 && (!rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

bool gw__networks_have(const struct gw__networks *networks, const struct gw__ip *address)
{
    for (size_t i = 0; i < networks->count; i++)
        if (covers(&networks->items[i], address))
            return true;
    return false;
}

bool gw__networks_have_unix(const struct gw__networks *networks)
{
    return networks->unix_sockets;
}
