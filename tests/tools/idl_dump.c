/* Prints what an IDL folder compiles to, or its errors: idl_dump FOLDER [--origins] */
#include "base/alloc.h"
#include "base/text.h"
#include "idl/idl.h"
#include "schema/build.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct gw__idl_set set;
    struct gw__report report = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: idl_dump FOLDER [--origins]\n");
        return 2;
    }
    int result = gw__idl_load_folder(&set, argv[1], "", &report);
    char *errors = gw__report_text(&report);
    if (errors && *errors)
        fprintf(stderr, "%s\n", errors);
    struct gw__text text = {0};
    for (size_t i = 0; i < set.count; i++)
        gw__schema_dump(set.schemas[i], argc > 2 && strcmp(argv[2], "--origins") == 0, &text);
    for (size_t i = 0; i < set.name_count; i++)
        gw__text_print(&text, "name %s is %s of %s\n", set.names[i].name, set.names[i].service->name,
                       set.names[i].schema->file);
    fputs(text.data ? text.data : "", stdout);
    gw__text_finish(&text);
    gw__free(errors);
    gw__report_finish(&report);
    gw__idl_set_finish(&set);
    return result ? 1 : 0;
}
