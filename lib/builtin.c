/* The one list of the types that come with the library. */
#include "builtin.h"

#include "server/registry.h"

const struct gw_filter_type *const gw__builtin_filters[] = {
    &gw__filter_access_log,
    &gw__filter_add_request_header,
    &gw__filter_add_response_header,
    &gw__filter_errors,
    &gw__filter_remove_request_header,
    &gw__filter_remove_response_header,
    &gw__filter_rewrite_path,
    &gw__filter_set_request_header,
    &gw__filter_set_response_header,
    &gw__filter_strip_prefix,
    &gw__filter_timeout,
    NULL,
};

const struct gw_endpoint_type *const gw__builtin_endpoints[] = {
    &gw__endpoint_http,
    &gw__endpoint_respond,
    &gw__endpoint_thrift,
    NULL,
};

const struct gw_predicate_type *const gw__builtin_predicates[] = {
    &gw__predicate_header,
    &gw__predicate_host,
    &gw__predicate_method,
    &gw__predicate_path,
    &gw__predicate_query,
    NULL,
};
