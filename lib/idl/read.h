/* What the parts of the parser share. Functions that return false or NULL have reported why, or memory was lost. */
#ifndef GW_IDL_READ_H
#define GW_IDL_READ_H

#include "idl/lexer.h"

struct gw__parser {
    struct gw__ast_file *file;
    struct gw__lexer lexer;
    struct gw__token token; /* the one to be read next */
    struct gw__str doc;     /* of the definition being read */
    bool lost;              /* out of memory */
};

bool gw__parse_fail(struct gw__parser *parser, const char *expected); /* false: "expected …, found …" */
void *gw__parse_alloc(struct gw__parser *parser, size_t size);
void gw__parse_next(struct gw__parser *parser);
bool gw__parse_is_mark(const struct gw__parser *parser, char mark);
bool gw__parse_mark(struct gw__parser *parser, char mark); /* whether it stood here; then it is read */
bool gw__parse_expect(struct gw__parser *parser, char mark);
bool gw__parse_is_word(const struct gw__parser *parser, const char *word);
bool gw__parse_word(struct gw__parser *parser, const char *word);
void gw__parse_separator(struct gw__parser *parser);
bool gw__parse_name(struct gw__parser *parser, const char *expected, struct gw__str *name);
bool gw__parse_literal(struct gw__parser *parser, const char *expected, struct gw__str *out);
bool gw__parse_notes(struct gw__parser *parser, struct gw__ast_note **notes);

struct gw__ast_type *gw__parse_type(struct gw__parser *parser, unsigned depth);
struct gw__ast_value *gw__parse_value(struct gw__parser *parser, unsigned depth);
bool gw__parse_fields(struct gw__parser *parser, struct gw__ast_fields *fields, char close, unsigned depth);

#endif
