/* SPDX-License-Identifier: MIT
 *
 * Admission.  Owns the rules and the counts by address.
 */
#include "config.h"

#include "edge/admission.h"

static void
rules_free(struct rules *rules)
{
	prefix_list_free(&rules->allow);
	prefix_list_free(&rules->deny);
	prefix_list_free(&rules->proxy_from);
}

static int
list_make(struct prefix_list *list, const struct words_list *words)
{
	return prefix_list_make(list, words->words, words->count);
}

int
admission_prepare(struct admission *admission, const struct settings *settings)
{
	struct rules next = { .max = settings->max_connections,
		.max_per_address = settings->max_connections_per_address };

	if (list_make(&next.allow, &settings->allow) < 0 ||
	    list_make(&next.deny, &settings->deny) < 0 ||
	    list_make(&next.proxy_from, &settings->proxy_from) < 0) {
		rules_free(&next);
		return -1;
	}
	rules_free(&admission->next);
	admission->next = next;
	return 0;
}

void
admission_take(struct admission *admission)
{
	rules_free(&admission->rules);
	admission->rules = admission->next;
	admission->next = (struct rules){ 0 };
}

bool
admission_allows(const struct admission *admission, const struct sockaddr *peer,
    enum refusal *why)
{
	const struct rules *rules = &admission->rules;

	*why = REFUSAL_DENIED;
	if (prefix_list_match(&rules->deny, peer))
		return false;
	*why = REFUSAL_NOT_ALLOWED;
	return rules->allow.count == 0 ||
	       prefix_list_match(&rules->allow, peer);
}

struct origin *
admission_enter(
    struct admission *admission, const struct sockaddr *peer, enum refusal *why)
{
	const struct rules *rules = &admission->rules;
	struct origin *origin;

	if (!admission_allows(admission, peer, why))
		return NULL;
	*why = REFUSAL_MAX_CONNECTIONS;
	if (rules->max != 0 && admission->open >= rules->max)
		return NULL;
	*why = REFUSAL_MAX_CONNECTIONS_PER_ADDRESS;
	if (rules->max_per_address != 0 &&
	    origins_open(&admission->origins, peer) >= rules->max_per_address)
		return NULL;
	*why = REFUSAL_NO_MEMORY;
	origin = origins_enter(&admission->origins, peer);
	if (origin != NULL)
		admission->open++;
	return origin;
}

void
admission_leave(struct admission *admission, struct origin *origin)
{
	if (origin != NULL)
		origins_leave(&admission->origins, origin);
	admission->open--;
}

bool
admission_enter_balancer(
    struct admission *admission, const struct sockaddr *peer, enum refusal *why)
{
	const struct rules *rules = &admission->rules;

	*why = REFUSAL_NOT_TRUSTED;
	if (!prefix_list_match(&rules->proxy_from, peer))
		return false;
	*why = REFUSAL_MAX_CONNECTIONS;
	if (rules->max != 0 && admission->open >= rules->max)
		return false;
	admission->open++;
	return true;
}

struct origin *
admission_identify(
    struct admission *admission, const struct sockaddr *peer, enum refusal *why)
{
	struct origin *origin;

	admission->open--;
	origin = admission_enter(admission, peer, why);
	if (origin == NULL)
		admission->open++;
	return origin;
}

void
admission_free(struct admission *admission)
{
	rules_free(&admission->rules);
	rules_free(&admission->next);
	origins_free(&admission->origins);
}
