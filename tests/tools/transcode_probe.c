/* Converts what it is asked to: transcode_probe FOLDER loads the IDL files of the folder, then answers each line of
 * stdin with a line. Fields are separated by blanks, bytes are hexadecimal, "-" where there are none; PIECES is "0" (all
 * at once), a number of bytes, or "r" and a seed: pieces of any size.
 *
 *     in SERVICE METHOD OPTIONS PIECES JSON    ->  ok BYTES     (the args struct)
 *                                                  no ERRORS    (their JSON, as it is)
 *     out SERVICE METHOD OPTIONS PIECES BYTES  ->  ok FIELD TAKEN JSON    (FIELD: id of what is set, "-": void)
 *                                                  more           (BYTES end too early)
 *                                                  bad REASON
 *
 * OPTIONS are words with commas between them, "-" for none: kitex, names, int64:string, int64:auto, nan:string,
 * nan:refuse, base64url, compact, json (the encoding; behind the struct stands the bracket that ends the message). */
#include "../unit/wire_types.h"

struct request {
    const char *way, *service, *method, *options;
    struct cut cut;
    char *bytes;
    size_t size;
};

static struct gw__encode encode;
static struct gw__decode decode;

static int nibble(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* In place; false if it is no hexadecimal. */
static bool take_hex(char *text, struct request *request)
{
    size_t size = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;
    for (size_t i = 0; i < size; i++) {
        int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        text[i] = (char)(high << 4 | low);
    }
    request->bytes = text;
    request->size = size;
    return true;
}

static bool take_request(char *line, struct request *request)
{
    char *words[6], *rest = line;
    for (unsigned i = 0; i < 6; i++)
        if (!(words[i] = strtok_r(NULL, " \n", &rest)))
            return false;
    *request = (struct request){.way = words[0], .service = words[1], .method = words[2], .options = words[3]};
    if (*words[4] == 'r')
        request->cut.seed = (uint32_t)strtoul(words[4] + 1, NULL, 10);
    else
        request->cut.step = strtoul(words[4], NULL, 10);
    return take_hex(words[5], request);
}

static void print_hex(const char *bytes, size_t size)
{
    if (size == 0)
        putchar('-');
    for (size_t i = 0; i < size; i++) {
        putchar("0123456789abcdef"[(unsigned char)bytes[i] >> 4]);
        putchar("0123456789abcdef"[bytes[i] & 15]);
    }
}

static bool has(const struct request *request, const char *word)
{
    const char *found = strstr(request->options, word);
    size_t size = strlen(word);
    while (found && ((found > request->options && found[-1] != ',') || (found[size] && found[size] != ',')))
        found = strstr(found + 1, word);
    return found != NULL;
}

static struct gw__json_rules rules(const struct request *request)
{
    return (struct gw__json_rules){
        .int64 = has(request, "int64:string") ? GW__INT64_STRING : has(request, "int64:auto") ? GW__INT64_AUTO : 0,
        .nan = has(request, "nan:string") ? GW__NAN_STRING : has(request, "nan:refuse") ? GW__NAN_REFUSE : 0,
        .binary = has(request, "base64url") ? GW__BINARY_BASE64URL : 0,
    };
}

static uint8_t encoding(const struct request *request)
{
    return has(request, "compact") ? GW__ENCODING_COMPACT : has(request, "json") ? GW__ENCODING_JSON : 0;
}

static void run_in(const struct gw__method *method, const struct request *request)
{
    static struct gw__wire plain;
    struct gw__wire wire = {0};
    struct gw__encode_options options = {
        .encoding = encoding(request),
        .lenient = has(request, "kitex"),
        .rules = rules(request),
        .in_message = true,
        .plain = &plain,
    };
    gw__encode_init(&encode, method, &options, &wire);
    if (encode_all(&encode, request->bytes, request->size, &request->cut) == GW__WIRE_DONE) {
        size_t size;
        char *bytes = wire_bytes(&wire, &size);
        printf("ok ");
        print_hex(bytes, size);
        free(bytes);
    } else {
        printf("no %.*s", (int)(encode.errors.at - encode.errors.begin), encode.errors.begin);
    }
    gw__encode_finish(&encode);
    gw__wire_finish(&wire);
}

static void run_out(const struct gw__method *method, const struct request *request)
{
    struct gw__json_out out = {0};
    struct gw__decode_options options = {
        .encoding = encoding(request),
        .in_message = true,
        .enum_names = has(request, "names"),
        .lenient = has(request, "kitex"),
        .rules = rules(request),
    };
    size_t taken;
    gw__decode_init_result(&decode, method->result, &options, &out);
    enum gw__wire_status status = decode_all(&decode, request->bytes, request->size, &request->cut, &taken);
    if (status == GW__WIRE_BAD)
        printf("bad %s", decode.why);
    else if (status == GW__WIRE_MORE)
        printf("more");
    else if (!decode.outcome)
        printf("ok - %zu ", taken);
    else
        printf("ok %d %zu %.*s", (int)decode.outcome->id, taken, (int)(out.at - out.begin), out.begin);
    gw__decode_finish(&decode);
    gw__json_out_finish(&out);
}

static bool run(const struct gw__idl_set *set, char *line)
{
    struct request request;
    if (!take_request(line, &request))
        return false;
    const struct gw__idl_name *name = gw__idl_set_find(set, request.service, strlen(request.service));
    const struct gw__method *method =
        name ? gw__rpc_method(name->service, request.method, strlen(request.method)) : NULL;
    if (!method)
        return false;
    if (strcmp(request.way, "in") == 0)
        run_in(method, &request);
    else
        run_out(method, &request);
    putchar('\n');
    return true;
}

int main(int argc, char **argv)
{
    struct gw__idl_set set;
    struct gw__report report = {0};
    char *line = NULL;
    size_t capacity = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: transcode_probe FOLDER\n");
        return 2;
    }
    bool good = gw__idl_load_folder(&set, argv[1], "", &report) == 0;
    char *errors = gw__report_text(&report);
    if (!good)
        fprintf(stderr, "%s\n", errors ? errors : "out of memory");
    while (good && getline(&line, &capacity, stdin) > 0) {
        good = run(&set, line);
        if (!good)
            fprintf(stderr, "no such request: %s\n", line);
    }
    free(line);
    gw__free(errors);
    gw__report_finish(&report);
    gw__idl_set_finish(&set);
    return good ? 0 : 1;
}
