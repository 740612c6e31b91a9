/* Tokens of a Thrift IDL. */
#ifndef GW_IDL_LEXER_H
#define GW_IDL_LEXER_H

#include "idl/ast.h"

enum gw__token_kind {
    GW__TOKEN_END,
    GW__TOKEN_NAME, /* keywords, too: they may be names of fields */
    GW__TOKEN_INT,
    GW__TOKEN_DOUBLE,
    GW__TOKEN_TEXT, /* literal, `text` without quotes, not decoded */
    GW__TOKEN_MARK, /* one character */
    GW__TOKEN_BAD,  /* `wrong` says why */
};

struct gw__token {
    enum gw__token_kind kind;
    struct gw__idl_pos pos;
    struct gw__str text; /* of numbers: as written */
    struct gw__str doc;  /* inside of the doc comment in front of it, size 0 if none */
    int64_t integer;
    bool opens_line; /* nothing but space and comments before it on its line */
    const char *wrong;
};

struct gw__lexer {
    const char *at, *end, *line_start;
    uint32_t line;
};

void gw__lexer_init(struct gw__lexer *lexer, const char *data, size_t size);
/* After a bad token comes the rest of the text. */
void gw__lexer_next(struct gw__lexer *lexer, struct gw__token *token);

#endif
