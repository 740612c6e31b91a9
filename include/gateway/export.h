/* Symbol visibility of the public API. */
#ifndef GATEWAY_EXPORT_H
#define GATEWAY_EXPORT_H

#if defined(__GNUC__)
#define GW_API __attribute__((visibility("default")))
#define GW_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define GW_API
#define GW_PRINTF(text, first)
#endif

#ifdef __cplusplus
#define GW_BEGIN_DECLS extern "C" {
#define GW_END_DECLS }
#else
#define GW_BEGIN_DECLS
#define GW_END_DECLS
#endif

#endif
