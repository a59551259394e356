/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "status/filter.h"
#include "lib/prefix.h"
#include "lib/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <sys/socket.h>

/* --------------------------------------------------------------- parsing -- */

/* Each of these returns NULL, or what was expected. */

static const char *
term_address(struct filter_term *term, const char *text)
{
	struct prefix prefix;

	if (prefix_parse(&prefix, text) != NULL || prefix.family != AF_INET)
		return "an IPv4 address or ADDRESS/BITS with no bits beyond "
		       "the prefix";
	term->kind = FILTER_ADDRESS;
	for (int i = 0; i < 4; i++)
		term->address = term->address << 8 | prefix.address[i];
	term->mask = prefix.bits == 0 ? 0 : UINT32_MAX << (32 - prefix.bits);
	return NULL;
}

static const char *
term_number(struct filter_term *term, const char *text)
{
	char copy[FILTER_TEXT_MAX + 1], *cmdid = strcpy(copy, text);
	const char *modid = strsep(&cmdid, "/");
	int64_t number[2] = { 0 };

	term->kind = cmdid != NULL ? FILTER_SERVICE : FILTER_MODID;
	if (!text_number(modid, INT32_MIN, INT32_MAX, &number[0]) ||
	    (cmdid != NULL &&
		!text_number(cmdid, INT32_MIN, INT32_MAX, &number[1])))
		return "MODID, MODID/CMDID, an address, state:, err>, age> or "
		       "part of a name";
	term->modid = (int32_t)number[0];
	term->cmdid = (int32_t)number[1];
	return NULL;
}

static const char *
term_state(struct filter_term *term, const char *text)
{
	char copy[FILTER_TEXT_MAX + 1], *rest = strcpy(copy, text), *name;

	term->kind = FILTER_STATE;
	while ((name = strsep(&rest, ",")) != NULL) {
		enum look_state state = 0;

		while (state < LOOK_STATES &&
		       strcmp(look_state_name(state), name) != 0)
			state++;
		if (state == LOOK_STATES)
			return "overloaded, errors, silent, late or fine "
			       "after state:";
		term->states |= 1u << state;
	}
	return NULL;
}

/* err and age: < or >, and a number. */
static const char *
term_limit(struct filter_term *term, const char *text)
{
	char *end;

	term->below = *text == '<';
	term->limit = strtod(text + 1, &end);
	/* Digits and a point only, whatever else strtod() takes. */
	if (end == text + 1 || *end != '\0' ||
	    strspn(text + 1, "0123456789.") != (size_t)(end - text - 1))
		return term->kind == FILTER_ERR
			   ? "err> or err< and a percentage"
			   : "age> or age< and seconds";
	return NULL;
}

/* Bytes from 0x80 on are parts of letters in UTF-8. */
static bool
has_letter(const char *text)
{
	while (*text != '\0' && !isalpha((unsigned char)*text) &&
	       (unsigned char)*text < 0x80)
		text++;
	return *text != '\0';
}

static const char *
term_parse(struct filter_term *term, const char *text)
{
	if (strncmp(text, "state:", 6) == 0)
		return term_state(term, text + 6);
	if (strpbrk(text, "<>") == text + 3 &&
	    (strncmp(text, "err", 3) == 0 || strncmp(text, "age", 3) == 0)) {
		term->kind = *text == 'e' ? FILTER_ERR : FILTER_AGE;
		return term_limit(term, text + 3);
	}
	if (has_letter(text)) {
		term->kind = FILTER_NAME;
		term->name = text;
		return NULL;
	}
	return strchr(text, '.') != NULL ? term_address(term, text)
					 : term_number(term, text);
}

static bool
filter_fault(struct filter *filter, char *error, size_t size, const char *found,
    const char *expected)
{
	char quoted[FILTER_TEXT_MAX / 2];

	text_escape(quoted, sizeof(quoted), found);
	snprintf(error, size, "found \"%s\", expected %s", quoted, expected);
	filter->count = 0;
	return false;
}

bool
filter_parse(struct filter *filter, const char *text, char *error, size_t size)
{
	char *rest = filter->words, *word;

	filter->count = 0;
	if (strlen(text) > FILTER_TEXT_MAX)
		return filter_fault(
		    filter, error, size, text, "up to 256 bytes");
	strcpy(filter->text, text);
	strcpy(filter->words, text);
	while ((word = strtok_r(rest, " \t\n\r", &rest)) != NULL) {
		struct filter_term *term = &filter->terms[filter->count];

		if (filter->count == FILTER_TERMS_MAX)
			return filter_fault(
			    filter, error, size, word, "up to 16 terms");
		*term = (struct filter_term){ 0 };
		const char *expected = term_parse(term, word);
		if (expected != NULL)
			return filter_fault(
			    filter, error, size, word, expected);
		filter->count++;
	}
	return true;
}

/* -------------------------------------------------------------- matching -- */

static bool
address_match(const struct filter_term *term, const struct look *look,
    const struct look_service *service)
{
	const struct look_server *server = look->servers + service->first;
	const struct look_caller *caller =
	    look->callers + service->first_caller;

	for (uint32_t i = 0; i < service->all_servers; i++)
		if ((server++->ip & term->mask) == term->address)
			return true;
	for (uint32_t i = 0; i < service->all_callers; i++)
		if ((caller++->address & term->mask) == term->address)
			return true;
	return false;
}

static bool
limit_match(const struct filter_term *term, double value)
{
	return term->below ? value < term->limit : value > term->limit;
}

static bool
term_match(const struct filter_term *term, const struct look *look,
    const struct names *names, const struct look_service *service)
{
	double errors = look_error_share(&service->sum);
	const char *name;

	switch (term->kind) {
	case FILTER_MODID:
		return service->modid == term->modid;
	case FILTER_SERVICE:
		return service->modid == term->modid &&
		       service->cmdid == term->cmdid;
	case FILTER_ADDRESS:
		return address_match(term, look, service);
	case FILTER_STATE:
		return (term->states >> service->sum.state & 1) != 0;
	case FILTER_ERR:
		return errors >= 0 && limit_match(term, 100 * errors);
	case FILTER_AGE:
		return limit_match(term,
		    look_age(look->totals.now_ms, service->sum.newest_ts));
	case FILTER_NAME:
		break;
	}
	name = names_find(names, service->modid, service->cmdid);
	return name != NULL && strcasestr(name, term->name) != NULL;
}

bool
filter_match(const struct filter *filter, const struct look *look,
    const struct names *names, const struct look_service *service)
{
	for (unsigned i = 0; i < filter->count; i++)
		if (!term_match(&filter->terms[i], look, names, service))
			return false;
	return true;
}
