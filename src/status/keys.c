/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "status/keys.h"
#include "lib/address.h"
#include "lib/json.h"

#include <inttypes.h>

bool
keys_match(const struct keys_filter *filter, const struct record *record)
{
	return (!filter->has_modid || filter->modid == record->modid) &&
	       (!filter->has_cmdid || filter->cmdid == record->cmdid);
}

bool
keys_number(const char *text, int32_t *number)
{
	int64_t n;

	if (!text_number(text, INT32_MIN, INT32_MAX, &n))
		return false;
	*number = (int32_t)n;
	return true;
}

/* fresh, late or silent. */
static const char *
freshness(const struct keys_view *view, const struct record *r)
{
	return look_age_name(
	    look_age_of(&view->limits, view->now_ms, record_ts(r)));
}

void
keys_line(const struct scan_key *key, const struct keys_view *view, FILE *out)
{
	const struct record *r = &key->record;
	const char *name = names_find(view->names, r->modid, r->cmdid);
	char caller[DOTTED_TEXT], ip[DOTTED_TEXT];

	fprintf(out,
	    "%" PRId32 "\t%" PRId32 "\t%s\t%" PRIu64 "\t%s\t%u\t%" PRIu32
	    "\t%" PRIu32 "\t%u\t%s\t%.0f\t%s\t%s%s%s\n",
	    r->modid, r->cmdid, dotted(r->caller, caller), record_ts(r),
	    dotted(record_address(r), ip), r->port, r->succ, r->err,
	    r->overload, key->dirty ? "dirty" : "stored",
	    look_age(view->now_ms, record_ts(r)), freshness(view, r),
	    r->elb ? "elb" : "-", name != NULL ? "\t" : "",
	    name != NULL ? name : "");
}

void
keys_json(const struct scan_key *key, const struct keys_view *view, FILE *out)
{
	const struct record *r = &key->record;
	const char *name = names_find(view->names, r->modid, r->cmdid);
	char caller[DOTTED_TEXT], ip[DOTTED_TEXT];

	fprintf(out,
	    "{\"modid\":%" PRId32 ",\"cmdid\":%" PRId32
	    ",\"ip\":\"%s\",\"port\":%u,\"caller\":\"%s\",\"succ\":%" PRIu32
	    ",\"err\":%" PRIu32 ",\"ts\":%" PRIu64
	    ",\"overload\":%u,\"state\":\"%s\",\"age\":%.0f,"
	    "\"freshness\":\"%s\"%s",
	    r->modid, r->cmdid, dotted(record_address(r), ip), r->port,
	    dotted(r->caller, caller), r->succ, r->err, record_ts(r),
	    r->overload, key->dirty ? "dirty" : "stored",
	    look_age(view->now_ms, record_ts(r)), freshness(view, r),
	    r->elb ? ",\"dialect\":\"elb\"" : "");
	if (name != NULL) {
		fputs(",\"name\":", out);
		json_write(name, out);
	}
	fputc('}', out);
}
