/* Symbol visibility of the public API. */
#ifndef GATEWAY_EXPORT_H
#define GATEWAY_EXPORT_H

#if defined(__GNUC__)
#define GW_API __attribute__((visibility("default")))
#define GW_PRINTF(format, first) __attribute__((format(printf, format, first)))
#else
#define GW_API
#define GW_PRINTF(format, first)
#endif

#ifdef __cplusplus
#define GW_BEGIN_DECLS extern "C" {
#define GW_END_DECLS }
#else
#define GW_BEGIN_DECLS
#define GW_END_DECLS
#endif

#endif
