/* libgateway: everything, in one include. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <gateway/config.h>
#include <gateway/endpoint.h>
#include <gateway/error.h>
#include <gateway/exchange.h>
#include <gateway/export.h>
#include <gateway/filter.h>
#include <gateway/log.h>
#include <gateway/option.h>
#include <gateway/plugin.h>
#include <gateway/schema.h>
#include <gateway/server.h>
#include <gateway/transcode.h>
#include <gateway/version.h>

#endif
