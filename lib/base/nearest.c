/* The nearest known name to a mistyped one. Names longer than MAX_NAME are not compared. */
#include "base/option.h"
#include "base/str.h"

#include <string.h>

enum { MAX_NAME = 63 };

static size_t least(size_t a, size_t b, size_t c)
{
    size_t low = a < b ? a : b;
    return low < c ? low : c;
}

/* Edits between two names: insert, delete, replace, swap of neighbours. */
static size_t distance(const char *a, size_t size_a, const char *b, size_t size_b)
{
    size_t rows[3][MAX_NAME + 1];
    for (size_t j = 0; j <= size_b; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= size_a; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= size_b; j++) {
            size_t cost = gw__lower((unsigned char)a[i - 1]) != gw__lower((unsigned char)b[j - 1]);
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], row[j], before[j - 2] + 1);
        }
    }
    return rows[size_a % 3][size_b];
}

const char *gw__nearest(const char *name, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t size = strlen(name), limit = size / 3;
    if (size > MAX_NAME)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(names[i]);
        size_t edits = other > MAX_NAME ? limit + 1 : distance(name, size, names[i], other);
        if (edits > limit || (best && edits == limit))
            continue;
        best = names[i];
        limit = edits;
    }
    return best;
}

const char *gw_option_nearest(const char *name, const char *const *names, size_t count)
{
    return gw__nearest(name, names, count);
}
