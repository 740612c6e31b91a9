/* Answers and reference as text. */
#include "gwctl.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 16 };

/* A value on one line; the caller frees. */
static char *text_of(const cJSON *value)
{
    if (cJSON_IsString(value))
        return strdup(value->valuestring);
    char *json = value ? cJSON_PrintUnformatted(value) : NULL;
    char *text = strdup(json ? json : "-");
    cJSON_free(json);
    return text;
}

static void print_cell(const cJSON *value, int width)
{
    char *text = text_of(value);
    printf("  %-*s", width, text ? text : "");
    free(text);
}

static int width_of(const cJSON *list, const char *key)
{
    int width = (int)strlen(key);
    const cJSON *row;
    cJSON_ArrayForEach(row, list)
    {
        char *text = text_of(cJSON_GetObjectItemCaseSensitive(row, key));
        int size = text ? (int)strlen(text) : 0;
        width = size > width ? size : width;
        free(text);
    }
    return width > 60 ? 60 : width;
}

/* Objects with the keys of the first as columns. */
static void print_rows(const cJSON *list)
{
    const char *keys[MAX_COLUMNS];
    int widths[MAX_COLUMNS], count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list->child)
    {
        if (count == MAX_COLUMNS)
            break;
        keys[count] = item->string;
        widths[count] = item->next ? width_of(list, item->string) : 0; /* no blanks at the end */
        printf("  %-*s", widths[count], item->string);
        count++;
    }
    putchar('\n');
    cJSON_ArrayForEach(item, list)
    {
        for (int i = 0; i < count; i++)
            print_cell(cJSON_GetObjectItemCaseSensitive(item, keys[i]), widths[i]);
        putchar('\n');
    }
}

static void print_pairs(const cJSON *object)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        printf("  %-20s", item->string);
        print_cell(item, 0);
        putchar('\n');
    }
}

void print_table(const cJSON *tree)
{
    const cJSON *part;
    cJSON_ArrayForEach(part, tree)
    {
        printf("%s\n", part->string);
        if (cJSON_IsObject(part)) {
            print_pairs(part);
        } else if (cJSON_IsArray(part) && cJSON_IsObject(part->child)) {
            print_rows(part);
        } else {
            print_cell(part, 0);
            putchar('\n');
        }
    }
}

struct wanted {
    const char *heading; /* NULL: print all */
    bool found, printing;
};

static int level_of(const char *line)
{
    int level = 0;
    while (line[level] == '#')
        level++;
    return level;
}

static void print_line(void *user, const char *line)
{
    struct wanted *wanted = user;
    if (wanted->heading && strcmp(line, wanted->heading) == 0)
        wanted->found = wanted->printing = true;
    else if (wanted->heading && level_of(line) > 0 && level_of(line) <= level_of(wanted->heading))
        wanted->printing = false;
    if (!wanted->heading || wanted->printing)
        puts(line);
}

bool print_reference(const char *heading)
{
    struct wanted wanted = {.heading = heading};
    struct gw_server *server = gw_server_create();
    if (server)
        gw_server_describe(server, print_line, &wanted);
    gw_server_destroy(server);
    return wanted.found || !heading;
}
