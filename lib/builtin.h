/* The types that come with the library, one variable each; builtin.c lists them. */
#ifndef GW_BUILTIN_H
#define GW_BUILTIN_H

#include <gateway/endpoint.h>
#include <gateway/filter.h>
#include <stdbool.h>

extern const struct gw_filter_type gw__filter_access_log;
extern const struct gw_filter_type gw__filter_add_request_header;
extern const struct gw_filter_type gw__filter_add_response_header;
extern const struct gw_filter_type gw__filter_errors;
extern const struct gw_filter_type gw__filter_remove_request_header;
extern const struct gw_filter_type gw__filter_remove_response_header;
extern const struct gw_filter_type gw__filter_rewrite_path;
extern const struct gw_filter_type gw__filter_set_request_header;
extern const struct gw_filter_type gw__filter_set_response_header;
extern const struct gw_filter_type gw__filter_strip_prefix;
extern const struct gw_filter_type gw__filter_timeout;

extern const struct gw_endpoint_type gw__endpoint_http;
extern const struct gw_endpoint_type gw__endpoint_respond;
extern const struct gw_endpoint_type gw__endpoint_thrift;

extern const struct gw_predicate_type gw__predicate_header;
extern const struct gw_predicate_type gw__predicate_host;
extern const struct gw_predicate_type gw__predicate_method;
extern const struct gw_predicate_type gw__predicate_path;
extern const struct gw_predicate_type gw__predicate_query;

/* Fields of framing and of the connection, which the gateway sets itself: a config that names one is refused. */
bool gw__is_own_field(const char *name);

#endif
