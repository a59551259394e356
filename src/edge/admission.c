/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "edge/admission.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ------------------------------------------------------------ the origins --
 */

struct origin {
	/* The upper half of an IPv6 address; an IPv4 one stands as
	   ::ffff:a.b.c.d. */
	uint8_t key[16];
	uint32_t open; /* connections, 1 or more */
};

static int
origin_compare(const void *a, const void *b)
{
	const struct origin *x = a, *y = b;

	return memcmp(x->key, y->key, sizeof(x->key));
}

static struct origin
origin_of(const struct sockaddr *peer)
{
	struct origin origin = { .open = 0 };
	int family;
	const uint8_t *bytes = prefix_peer_bytes(peer, &family);

	if (bytes != NULL && family == AF_INET6) {
		memcpy(origin.key, bytes, sizeof(origin.key) / 2);
	} else if (bytes != NULL) {
		origin.key[10] = origin.key[11] = 0xff;
		memcpy(&origin.key[12], bytes, 4);
	}
	return origin;
}

uint64_t
admission_open_from(
    const struct admission *admission, const struct sockaddr *peer)
{
	struct origin key = origin_of(peer);
	struct origin **found = tfind(&key, &admission->tree, origin_compare);

	return found == NULL ? 0 : (*found)->open;
}

/* One more is open.  NULL: out of memory. */
static struct origin *
origin_enter(struct admission *admission, const struct sockaddr *peer)
{
	struct origin key = origin_of(peer), *origin;
	struct origin **found = tfind(&key, &admission->tree, origin_compare);

	if (found != NULL) {
		(*found)->open++;
		return *found;
	}
	origin = malloc(sizeof(*origin));
	if (origin == NULL)
		return NULL;
	*origin = key;
	if (tsearch(origin, &admission->tree, origin_compare) == NULL) {
		free(origin);
		return NULL;
	}
	origin->open = 1;
	return origin;
}

/* -------------------------------------------------------------- the rules --
 */

/* Take one of an address's share; whether there was one. */
static bool
share_take(
    struct admission *admission, const struct sockaddr *peer, uint64_t now_ms)
{
	uint64_t rate = admission->settings->accept_rate, hash;
	struct origin origin = origin_of(peer);
	struct admission_share *share;
	uint32_t second = (uint32_t)(now_ms / 1000);

	if (rate == 0 || admission->unlimited)
		return true;
	/* Nobody can choose addresses that use up the share of another.  Early
	   at boot the kernel may have no random bytes: then somebody could. */
	if (admission->secret == 0 &&
	    getrandom(&admission->secret, sizeof(admission->secret),
		GRND_NONBLOCK) < 0)
		admission->secret = 1;
	hash = admission->secret;
	for (size_t i = 0; i < sizeof(origin.key); i++)
		hash = (hash ^ origin.key[i]) * UINT64_C(0x100000001b3);
	share = &admission->shares[(hash >> 32) % ADMISSION_SHARES];
	if (share->second != second)
		*share = (struct admission_share){ .second = second };
	if (share->taken > (rate - 1) / ADMISSION_SHARE_PART)
		return false;
	share->taken++;
	return true;
}

bool
admission_allows(const struct admission *admission, const struct sockaddr *peer,
    enum refusal *why)
{
	const struct settings *settings = admission->settings;

	*why = REFUSAL_DENIED;
	if (prefix_list_match(&settings->denied, peer))
		return false;
	*why = REFUSAL_NOT_ALLOWED;
	return settings->allowed.count == 0 ||
	       prefix_list_match(&settings->allowed, peer);
}

static bool
admission_is_full(
    const struct admission *admission, uint64_t max, uint64_t open)
{
	return max != 0 && open >= max && !admission->unlimited;
}

struct origin *
admission_enter(struct admission *admission, const struct sockaddr *peer,
    uint64_t now_ms, enum refusal *why)
{
	const struct settings *settings = admission->settings;
	struct origin *origin;

	if (!admission_allows(admission, peer, why))
		return NULL;
	*why = REFUSAL_MAX_CONNECTIONS;
	if (admission_is_full(
		admission, settings->max_connections, admission->open))
		return NULL;
	*why = REFUSAL_MAX_CONNECTIONS_PER_ADDRESS;
	if (admission_is_full(admission, settings->max_connections_per_address,
		admission_open_from(admission, peer)))
		return NULL;
	*why = REFUSAL_ACCEPT_RATE;
	if (!share_take(admission, peer, now_ms))
		return NULL;
	*why = REFUSAL_NO_MEMORY;
	origin = origin_enter(admission, peer);
	if (origin != NULL)
		admission->open++;
	return origin;
}

void
admission_leave(struct admission *admission, struct origin *origin)
{
	admission->open--;
	if (origin == NULL || --origin->open > 0)
		return;
	tdelete(origin, &admission->tree, origin_compare);
	free(origin);
}

bool
admission_enter_balancer(
    struct admission *admission, const struct sockaddr *peer, enum refusal *why)
{
	const struct settings *settings = admission->settings;

	*why = REFUSAL_NOT_TRUSTED;
	if (!prefix_list_match(&settings->balancers, peer))
		return false;
	*why = REFUSAL_MAX_CONNECTIONS;
	if (admission_is_full(
		admission, settings->max_connections, admission->open))
		return false;
	admission->open++;
	return true;
}

void
admission_free(struct admission *admission)
{
	tdestroy(admission->tree, free);
	admission->tree = NULL;
}
