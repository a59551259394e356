/* SPDX-License-Identifier: MIT
 *
 * What connections begin with that do not begin with a report.
 */
#include "config.h"

#include "edge/stranger.h"

#include <string.h>

static const struct {
	enum stranger stranger;
	uint8_t length;
	const char *bytes;
} beginnings[] = {
	{ STRANGER_HTTP, 4, "GET " },
	{ STRANGER_HTTP, 5, "HEAD " },
	{ STRANGER_HTTP, 5, "POST " },
	{ STRANGER_HTTP, 4, "PUT " },
	{ STRANGER_HTTP, 7, "DELETE " },
	{ STRANGER_HTTP, 8, "CONNECT " },
	{ STRANGER_HTTP, 8, "OPTIONS " },
	{ STRANGER_HTTP, 6, "PRI * " },
	{ STRANGER_TLS, 2, "\x16\x03" },
	{ STRANGER_PROXY, 6, "PROXY " },
	{ STRANGER_PROXY, 12, "\r\n\r\n\0\r\nQUIT\n" },
	{ STRANGER_SSH, 4, "SSH-" },
};

static const char *const texts[STRANGERS] = {
	[STRANGER_HTTP] = "an HTTP request",
	[STRANGER_TLS] = "TLS, on a listener without tls",
	[STRANGER_PROXY] = "a PROXY header, on a listener without proxy",
	[STRANGER_SSH] = "SSH",
	[STRANGER_OTHER] = "the middle of a frame or an unknown protocol",
};

enum stranger
stranger_of(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++) {
		if (length >= beginnings[i].length &&
		    memcmp(bytes, beginnings[i].bytes, beginnings[i].length) ==
			0)
			return beginnings[i].stranger;
	}
	return STRANGER_OTHER;
}

void
strangers_init(struct log_limiter limiter[STRANGERS])
{
	for (int i = 0; i < STRANGERS; i++)
		limiter[i] = LOG_PER_MINUTE(1);
}

void
stranger_log(struct log_limiter limiter[STRANGERS], const char *name,
    enum stranger stranger)
{
	log_limited(&limiter[stranger], "agent %s: begins with %s: closed",
	    name, texts[stranger]);
}
